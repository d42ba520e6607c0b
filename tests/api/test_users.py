"""Users over REST: an admin's business, and there is always an admin."""

from unicodedata import normalize

from tests.api.people import PASSWORD, browser, new_user, signs_in
from tests.api.site import Site

from sutdol.app import Sutdol
from sutdol.storage import audit

USERS = "/api/v1/users"


def test_an_admin_lets_users_in(locked: Site) -> None:
    made = locked.post(USERS, {"name": "김하나", "role": "reviewer", "password": PASSWORD})

    assert made.status == 201
    told = made.json
    assert (told["name"], told["role"], told["has_password"]) == ("김하나", "reviewer", True)
    assert "password" not in told
    assert [one["name"] for one in locked.get(USERS).json["data"]] == ["root", "김하나"]
    assert locked.get(f"{USERS}/{told['id']}").json == told
    assert signs_in(locked, "김하나").status == 201
    assert signs_in(locked, normalize("NFD", "김하나")).status == 201


def test_a_user_may_come_without_a_password(locked: Site) -> None:
    made = locked.post(USERS, {"name": "bot"}).json

    assert (made["role"], made["has_password"]) == ("user", False)
    assert signs_in(locked, "bot").status == 401


def test_what_is_changed_about_a_user_counts_at_once(locked: Site) -> None:
    for name, change, status in (
        ("kim", {"enabled": False}, 401),
        ("lee", {"password": "another horse entirely"}, 401),
        ("ann", {"role": "reviewer"}, 401),
        ("bob", {}, 200),
    ):
        id_ = new_user(locked, name).id
        page = browser(signs_in(locked, name))
        assert locked.get("/api/v1/me", key="", headers=page).status == 200

        assert locked.ask("PATCH", f"{USERS}/{id_}", change).status == 200

        assert locked.get("/api/v1/me", key="", headers=page).status == status, name


def test_null_is_not_what_was_left_out(locked: Site) -> None:
    kim = new_user(locked, "kim")

    for field in ("role", "enabled", "password"):
        answer = locked.ask("PATCH", f"{USERS}/{kim.id}", {field: None})
        assert (answer.status, answer.error["param"]) == (422, field)


def test_a_disabled_user_may_be_let_in_again(locked: Site) -> None:
    kim = new_user(locked, "kim")
    off = locked.ask("PATCH", f"{USERS}/{kim.id}", {"enabled": False}).json
    assert off["disabled_at"] is not None
    assert signs_in(locked, "kim").status == 401

    on = locked.ask("PATCH", f"{USERS}/{kim.id}", {"enabled": True, "role": "operator"}).json

    assert (on["disabled_at"], on["role"]) == (None, "operator")
    assert signs_in(locked, "kim").json["role"] == "operator"


def test_the_last_admin_stays_one(locked: Site) -> None:
    root = locked.get("/api/v1/me").json["user"]

    for change in ({"enabled": False}, {"role": "operator"}):
        answer = locked.ask("PATCH", f"{USERS}/{root}", change)
        assert answer.status == 403
        assert "last admin" in answer.error["message"]

    locked.post(USERS, {"name": "second", "role": "admin"})
    assert locked.ask("PATCH", f"{USERS}/{root}", {"role": "operator"}).status == 200


def test_a_change_is_made_as_a_whole_or_not_at_all(locked: Site) -> None:
    kim = new_user(locked, "kim")

    answer = locked.ask("PATCH", f"{USERS}/{kim.id}", {"role": "admin", "password": "short"})

    assert answer.status == 422
    assert locked.get(f"{USERS}/{kim.id}").json["role"] == "user"


def test_names_and_roles_are_what_they_may_be(locked: Site) -> None:
    for body, status in (
        ({"name": "ROOT"}, 400),
        ({"name": ""}, 422),
        ({"name": "a\u202eb"}, 422),
        ({"name": "x" * 65}, 422),
        ({"name": "kim", "role": "king"}, 422),
        ({"name": "kim", "admin": True}, 422),
        ({"name": "longusername", "password": "longusername"}, 422),
    ):
        assert locked.post(USERS, body).status == status, body
    assert len(locked.get(USERS).json["data"]) == 1
    assert locked.get(f"{USERS}/nobody").status == 404


def test_users_are_put_on_record_without_their_passwords(locked: Site) -> None:
    made = locked.post(USERS, {"name": "kim", "password": PASSWORD}).json
    locked.ask("PATCH", f"{USERS}/{made['id']}", {"role": "reviewer"})

    with Sutdol.open(locked.settings) as sutdol, sutdol.db.read() as tx:
        events = audit.events(tx, limit=2)
    assert [(one.actor, one.action, one.subject) for one in events] == [
        ("user:root", "set role", "kim"),
        ("user:root", "create user", "kim"),
    ]
    assert PASSWORD not in str(events)
