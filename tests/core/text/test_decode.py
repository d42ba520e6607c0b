"""Readings of text that was typed, turned or encoded another way, and ordinary text left alone."""

import base64

import pytest

from sutdol.core.text.carrier import Plain
from sutdol.core.text.decode import LONGEST_DECODED, reread, unwrapped, upright
from sutdol.core.text.hangul import decompose, to_keys
from sutdol.core.text.lexicon import EMPTY
from sutdol.core.text.reading import language
from sutdol.core.text.views import folded, normalised, opened, skeleton

ENGLISH = """\
I left my umbrella on the bus again.
Could you send me the notes from yesterday?
The soup needs a little more salt.
My sister teaches music at the primary school.
We are out of milk, bread and coffee.
Which platform does the night train leave from?
He painted the kitchen yellow last summer.
The meeting has been moved to Thursday at ten.
Remember to lock the door when you leave.
What a lovely garden you have!
It rained so hard that the river rose.
She reads to her children every evening.
Thanks a lot, see you soon.
Our dog is afraid of fireworks.
Please turn the volume down a bit.
The museum is closed on Mondays.
I would like a window seat, please.
Grandpa grows the best strawberries in the village.
They walked along the beach until sunset.
Is there a pharmacy nearby?
The file is too large to send by mail.
You were right about the shortcut.
Nobody told me the shop had moved.
A quick brown fox jumps over the lazy dog.
Both of my brothers play the drums.
Keep the receipt in case it breaks.
The lecture on volcanoes was fascinating.
Sorry, I dialled the wrong number.
Let me know if you need a hand.
This recipe takes about an hour.
ok
yes please
no way!
hmm, maybe later
good morning
lol that was funny
brb, getting tea
Happy new year everyone
My banana bread turned out well
on my way home now
""".splitlines()
KOREAN = """\
버스에 또 우산을 두고 내렸어요.
어제 강의 노트 좀 보내 줄 수 있어?
국에 소금을 조금 더 넣어야겠다.
언니는 초등학교에서 음악을 가르쳐요.
우유랑 빵이랑 커피가 다 떨어졌어.
야간 열차는 몇 번 승강장에서 출발하나요?
작년 여름에 부엌을 노란색으로 칠했다.
회의가 목요일 열 시로 옮겨졌습니다.
나갈 때 문 잠그는 거 잊지 마.
정원이 정말 예쁘네요!
비가 너무 많이 와서 강물이 불었다.
저녁마다 아이들에게 책을 읽어 줍니다.
정말 고마워, 또 보자.
우리 강아지는 불꽃놀이를 무서워해요.
소리 좀 줄여 주세요.
박물관은 월요일에 쉽니다.
창가 자리로 부탁드립니다.
할아버지는 마을에서 제일 맛있는 딸기를 키우신다.
해가 질 때까지 바닷가를 걸었다.
근처에 약국이 있나요?
파일이 너무 커서 메일로 못 보내요.
지름길은 네 말이 맞았어.
가게가 이사한 걸 아무도 안 알려 줬어.
다람쥐 헌 쳇바퀴에 타고파.
형 둘 다 드럼을 쳐요.
고장 날지 모르니 영수증을 챙겨 두세요.
화산 강의가 아주 흥미로웠습니다.
죄송해요, 번호를 잘못 눌렀네요.
도움이 필요하면 말해.
이 요리는 한 시간쯤 걸려요.
네
응 알겠어
ㅋㅋ 웃기다
ㅠㅠ 아쉽다
음, 이따가 할게
좋은 아침
차 한 잔 마시고 올게
새해 복 많이 받으세요
바나나 빵이 잘 구워졌다
지금 집에 가는 중
""".splitlines()
NAMED = """\
My favourite car is a Hyundai.
She drives a Toyota to work.
I play sudoku every night.
We sang karaoke until two.
Yuna Kim skated beautifully.
Maria is my aunt.
Kenji and Hana are here.
Can I have a banana?
The banana is ripe.
Gucci opened a shop.
Kimchi and bibimbap for lunch.
He bought a Yamaha piano.
My yoyo is broken.
Mama made tomato soup.
I know that.
Never again!
Nintendo or Sony?
Jimin called you.
삼성 Samsung 휴대폰
LG 트윈스가 이겼다
iPhone 케이스 샀어
OK 알겠어요
SNS에 올렸어
Wi-Fi 비밀번호 알려 줘
""".splitlines()
WORDS = """\
Alice Johnson, Mohammed Ali, Noah, Emma, Liam, Tony, Sara, Jimin Park, Luca, Mina, Park Jisung,
Samsung, Toyota, Nokia, Sony, Gucci, Mazda, Honda, Nintendo, Canon, Adidas, Ikea, Lego, Nutella,
Hyundai, Kia, Yamaha, Kodak, Volvo, Tesla, Pepsi, banana, tomato, potato, mango, panda, cocoa,
kimono, kimchi, ramen, sushi, tofu, origami, sudoku, karaoke, hello, thanks, sorry, why, tomorrow,
maybe, great, nice, lol, omg, haha, hmm, idk, wow, yay, again, know, recipe, level, radar, star
""".replace("\n", " ").split(", ")
CODES = """\
AB-1234-CD
SKU 889-1021
RTX 4090
iPhone 15 Pro
B07XJ8C8F5
4006381333931
color: #a1b2c3;
#c0ffee
commit d7272941f0c9e8b7a6d5c4b3a2918070f6e5d4c3
550e8400-e29b-41d4-a716-446655440000
dQw4w9WgXcQ
AKIAIOSFODNN7EXAMPLE
sk-proj-9fGh2kLm4nPq
https://example.org/a%20b%20c
a < b && c > d
AT&T
100% sure
10:30
192.168.0.1
0xDEADBEEF
01 02 03 04 05 06
12 34 56 78 90
deadbeefdeadbeef
ATGCGTACGTTAGC
00:1A:2B:3C:4D:5E
010-1234-5678
ISBN 978-3-16-148410-0
UTF-8 ISO-8859-1 x86_64
ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef
qwerty
asdf
""".splitlines()


def decoded(text: str) -> str:
    raw = upright(unwrapped(Plain(text)))
    return reread(raw, folded(raw)).text


def plain(text: str) -> str:
    return folded(Plain(text)).text


@pytest.mark.parametrize("text", [*ENGLISH, *KOREAN, *NAMED, *CODES])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert decoded(text) == plain(text)


@pytest.mark.parametrize("text", [*ENGLISH, *KOREAN])
def test_an_ordinary_sentence_keeps_letters_and_language(text: str) -> None:
    read = normalised(opened(Plain(text)), EMPTY)
    assert skeleton(read).text == skeleton(folded(Plain(text))).text
    assert language(read.text) == ("en" if text in ENGLISH else "ko")


def test_most_words_by_themselves_are_left_alone() -> None:
    changed = {word: decoded(word) for word in WORDS if decoded(word) != plain(word)}
    # a single word is little to tell by: "evil" is "live"
    assert len(changed) / len(WORDS) < 0.35, changed


@pytest.mark.parametrize(
    "text", ["I know", "do it again", "Yuna Kim", "50%off", "5pm", "Hyundai 차를 샀어요"]
)
def test_short_ordinary_text_is_left_alone(text: str) -> None:
    assert decoded(text) == plain(text)


@pytest.mark.parametrize(
    ("coded", "read"),
    [
        ("fish &amp; chips", "fish & chips"),
        ("Tom&nbsp;and&nbsp;Jerry", "Tom\xa0and\xa0Jerry"),
        ("&#104;&#x65;llo", "hello"),
        ("&#49707;&#46028;", "숫돌"),
        ("%EC%88%AB%EB%8F%8C", "숫돌"),
        ("%68%65llo%20there", "hello there"),
        (base64.b64encode(b"see you in the garden").decode(), "see you in the garden"),
        (base64.b64encode(b"see you in the garden").decode().rstrip("="), "see you in the garden"),
        (f"psst: {base64.b64encode('내일 봐요'.encode()).decode()}!", "psst: 내일 봐요!"),
        (b"see you in the garden".hex(), "see you in the garden"),
        (b"see you in the garden".hex(" "), "see you in the garden"),
        ("숫돌 가져와".encode().hex().upper(), "숫돌 가져와"),
    ],
)
def test_encoded_text_is_unwrapped(coded: str, read: str) -> None:
    assert unwrapped(Plain(coded)).text == read


@pytest.mark.parametrize(
    "coded",
    [
        "&notathing1; &#; &",
        "%zz %4 100%",
        "////////////////",
        base64.b64encode(bytes(range(200, 230))).decode(),
        base64.b64encode(b"qxzj\x00vkq\x07wxz").decode(),
        "YnV5IG1pbGs*",
        "ff fe fd fc fb fa",
        "0123456789 0123456789",
    ],
)
def test_what_encodes_nothing_readable_stays(coded: str) -> None:
    assert unwrapped(Plain(coded)).text == coded


def test_half_a_character_is_replaced_not_refused() -> None:
    assert unwrapped(Plain("%EC%88%AB%EC%88")).text == "숫\ufffd"


def test_very_long_text_is_not_unwrapped() -> None:
    short, long = "&amp;" * 10, "&amp;" * LONGEST_DECODED
    assert unwrapped(Plain(short)).text == "&" * 10
    assert unwrapped(Plain(long)).text == long


@pytest.mark.parametrize(
    ("turned", "read"),
    [
        ("oꞁꞁǝɥ", "hello"),
        ("ǝʌᴉꞁo please", "olive please"),
        ("¡oꞁꞁǝɥ", "hello¡"),
        ("ɐǝʇ uǝǝɹƃ", "tea green"),
        ("the IPA of tea is ti", "the IPA of tea is ti"),
        ("wɐter", "wɐter"),  # one turned letter is a lookalike, not a turned word
    ],
)
def test_turned_words_are_set_upright(turned: str, read: str) -> None:
    assert upright(Plain(turned)).text == read


@pytest.mark.parametrize("text", ENGLISH[:30])
def test_a_sentence_backwards_is_turned(text: str) -> None:
    assert decoded(text[::-1]) == plain(text)


@pytest.mark.parametrize("korean", ["안녕하세요", "숫돌을 주세요", "내일 아침에 만나요"])
def test_korean_typed_on_english_keys_is_read(korean: str) -> None:
    assert decoded(to_keys(korean)) == decompose(korean)


def test_vowels_of_two_keys_are_read() -> None:
    assert decoded(to_keys("가져와 주세요")) == decompose("가져와 주세요")


def test_short_words_are_read_among_typed_ones() -> None:
    assert decoded("rm dntksdms sp rjtdlsrkdy") == decompose("그 우산은 네 것인가요")


@pytest.mark.parametrize("text", ["rm", "sp", "B07XJ", "xj"])
def test_two_letters_by_themselves_are_not_typed_korean(text: str) -> None:
    assert decoded(text) == plain(text)


def test_a_typed_word_is_read_among_english_ones() -> None:
    assert decoded("she said dkssudgktpdy to me") == f"she said {decompose('안녕하세요')} to me"


@pytest.mark.parametrize("typed", ["xptmxm", "dkssudgktpdy", "rkwldy"])
def test_the_most_plausible_reading_wins(typed: str) -> None:
    # backwards they look more like English than as they stand, and most like Korean
    assert language(decoded(typed)) == "ko"


@pytest.mark.parametrize("text", KOREAN[:30])
def test_a_korean_sentence_backwards_reads_whole_or_as_it_stands(text: str) -> None:
    backwards = text[::-1]
    assert decoded(backwards) in (plain(text), plain(backwards))


def test_most_korean_sentences_backwards_are_turned() -> None:
    turned = [text for text in KOREAN[:30] if decoded(text[::-1]) == plain(text)]
    assert len(turned) >= 24


@pytest.mark.parametrize("latin", ["jeongmal gamsahamnida", "eomma bap juseyo"])
def test_romanised_korean_is_read(latin: str) -> None:
    assert language(decoded(latin)) == "ko"


@pytest.mark.parametrize("text", ["", " ", "\n\u3000", "?!", "42", "🍋", "\ud800", "砥石"])
def test_text_without_letters_has_one_reading(text: str) -> None:
    assert decoded(text) == plain(text)


def test_very_long_text_is_not_reread() -> None:
    backwards = " ".join(ENGLISH * 5)[::-1]
    assert len(backwards) > LONGEST_DECODED
    assert decoded(backwards) == plain(backwards)
