"""The bundled corpus: enough of everything, honest in shape, the same on every machine."""

import re
import subprocess
import sys
from collections import Counter, defaultdict
from hashlib import sha256
from time import process_time

import pytest

from sutdol.roles.bootstrap import LANGUAGES, PER_TEMPLATE, Text, agree, bootstrap, fold

CATEGORIES = {"", "harassment", "harassment/threatening", "profanity", "spam"}
DIGITS = re.compile(r"\d(?:[ ().-]{0,2}\d){8,}")
FINGERPRINT = (
    "from hashlib import sha256; from sutdol.roles.bootstrap import bootstrap; "
    "print(sha256(repr(bootstrap(3)).encode()).hexdigest())"
)


@pytest.fixture(scope="module")
def corpus() -> list[Text]:
    return bootstrap()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_has_enough_of_both_classes(corpus: list[Text], lang: str) -> None:
    harmless = sum(text.lang == lang and not text.category for text in corpus)
    violating = sum(text.lang == lang and bool(text.category) for text in corpus)
    assert harmless >= 2_600
    assert violating >= 2_400
    assert 0.45 < harmless / (harmless + violating) < 0.55


def test_the_corpus_has_the_promised_size(corpus: list[Text]) -> None:
    assert 10_000 <= len(corpus) <= 12_000


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_category_is_there_in_both_languages(corpus: list[Text], lang: str) -> None:
    counts = Counter(text.category for text in corpus if text.lang == lang)
    assert set(counts) == CATEGORIES
    assert min(counts.values()) >= 400


@pytest.mark.parametrize("lang", LANGUAGES)
def test_there_are_many_templates_with_few_texts_each(corpus: list[Text], lang: str) -> None:
    sizes = Counter(text.group for text in corpus if text.lang == lang)
    harmless = {text.group for text in corpus if text.lang == lang and not text.category}
    assert len(sizes) >= 300
    assert len(harmless) >= 120
    assert len(sizes) - len(harmless) >= 120
    assert max(sizes.values()) <= PER_TEMPLATE <= 20


def test_a_group_belongs_to_one_language_and_category(corpus: list[Text]) -> None:
    owners = defaultdict(set)
    for text in corpus:
        owners[text.group].add((text.lang, text.category))
    assert all(len(owner) == 1 for owner in owners.values())


def test_no_text_comes_twice(corpus: list[Text]) -> None:
    assert len({fold(text.text) for text in corpus}) == len(corpus)


def test_every_template_is_filled_in(corpus: list[Text]) -> None:
    assert [text.group for text in corpus if set("{}|") & set(text.text)] == []
    assert [text.group for text in corpus if not text.text.strip()] == []


def test_no_text_holds_a_phone_number_that_could_exist(corpus: list[Text]) -> None:
    numbers = {(found[0], text.group) for text in corpus for found in DIGITS.finditer(text.text)}
    assert {group for number, group in numbers if "000" not in number} == set()
    assert {t.group for t in corpus if re.search(r"01\d-(?!0000)\d{3,4}", t.text)} == set()


def test_every_address_is_an_example(corpus: list[Text]) -> None:
    address = re.compile(r"\b[\w-]+\.(?:com|net|org|kr|io|me|co)\b", re.IGNORECASE)
    domains = {found[0].lower() for text in corpus for found in address.finditer(text.text)}
    assert domains == {"example.com", "example.org", "example.net", "example.kr"}


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another() -> None:
    assert bootstrap(1) == bootstrap(1)
    assert bootstrap(1) != bootstrap(2)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_the_hash_seed_of_the_process_does_not_matter(hash_seed: str) -> None:
    environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", FINGERPRINT]
    other = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == sha256(repr(bootstrap(3)).encode()).hexdigest()


def test_the_corpus_is_made_in_less_than_a_second() -> None:
    started = process_time()
    bootstrap()
    assert process_time() - started < 1.0


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        ("책{을/를} 사고 차{을/를} 탔다", "책을 사고 차를 탔다"),
        ("집{으로/로} 역{으로/로} 서울{으로/로}", "집으로 역으로 서울로"),
        ("번호는 010{이야/야}, 7{으로/로} 시작", "번호는 010이야, 7로 시작"),
        ("'친구'{이랑/랑} '동생'{이랑/랑}", "'친구'랑 '동생'이랑"),
        ("{a/an} apple, {a/an} pear, {a/an} useful uncle", "an apple, a pear, a useful uncle"),
    ],
)
def test_particles_and_articles_follow_the_sound(template: str, sentence: str) -> None:
    assert agree(template) == sentence
