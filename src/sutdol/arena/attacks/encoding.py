"""The message in a code that only a machine reads; reported apart from the readable attacks."""

from base64 import b64encode
from random import Random
from string import ascii_lowercase, ascii_uppercase

from sutdol.arena.attack import attack

ROT13 = str.maketrans(
    ascii_lowercase + ascii_uppercase,
    ascii_lowercase[13:] + ascii_lowercase[:13] + ascii_uppercase[13:] + ascii_uppercase[:13],
)


@attack("base64", family="encoding", scope="message", readable=False)
def base64(text: str, random: Random) -> str:
    """The message as base64."""
    return b64encode(text.encode()).decode()


@attack("hex", family="encoding", scope="message", readable=False)
def hexadecimal(text: str, random: Random) -> str:
    """The message as hexadecimal bytes, in one piece or in pairs."""
    return text.encode().hex(" ") if random.random() < 0.5 else text.encode().hex()


@attack("rot13", family="encoding", scope="message", languages=("en",), readable=False)
def rot13(text: str, random: Random) -> str:
    """Latin letters move thirteen places through the alphabet."""
    return text.translate(ROT13)


@attack("html_entity", family="encoding", scope="message", readable=False)
def html_entity(text: str, random: Random) -> str:
    """Every letter as a numbered HTML entity."""
    entity = random.choice(("&#{};", "&#x{:x};"))
    return "".join(char if char.isspace() else entity.format(ord(char)) for char in text)


@attack("url_encode", family="encoding", scope="message", readable=False)
def url_encode(text: str, random: Random) -> str:
    """Every byte as in a web address: %68%69."""
    return "".join(f"%{byte:02X}" for byte in text.encode())
