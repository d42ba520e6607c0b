"""The gauge looks and waits for nobody."""

import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from tests.databases import on_postgresql

from sutdol.core.errors import NotReady
from sutdol.flow.gauge import PATIENCE, gauge
from sutdol.flow.place import Place


@on_postgresql
def test_a_table_that_somebody_holds_is_not_waited_for(database_url: str, tmp_path: Path) -> None:
    place = Place(database_url=f"{database_url}?options=-cstatement_timeout%3D9000", home=tmp_path)
    place.migrate()
    assert gauge(place).workers == 0
    plain = make_url(database_url).set(drivername="postgresql")
    with closing(psycopg.connect(plain.render_as_string(hide_password=False))) as other:
        other.execute("LOCK TABLE dbos.workflow_status")
        start = time.monotonic()
        with pytest.raises(NotReady, match="lock timeout"):
            gauge(place)
    assert PATIENCE <= time.monotonic() - start < PATIENCE + 5
