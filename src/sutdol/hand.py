"""The hand of a worker: `python -m sutdol.hand`; see flow/hand.py."""

from sutdol.app import Sutdol
from sutdol.core.settings import Settings
from sutdol.flow.hand import serve
from sutdol.flow.plan import Deed, Json
from sutdol.flows import Deeds


def deeds(greeting: Json) -> dict[str, Deed]:
    return Deeds(Sutdol.open(Settings.load(**greeting["settings"]))).all()


if __name__ == "__main__":
    serve(deeds)
