"""Settings: which layer wins, what is refused, and that secrets stay out of sight."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from sutdol.core.errors import UnknownName, UsageError
from sutdol.core.settings import CONVENTIONAL, Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and an environment without settings."""
    import os

    names = {name for names in CONVENTIONAL.values() for name in names}
    for name in list(os.environ):
        if name in names or name.upper().startswith("SUTDOL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_work_on_a_laptop(folder: Path) -> None:
    found = Settings.load()
    assert found.home == folder / ".sutdol"
    assert found.database_url == f"sqlite+pysqlite:///{folder}/.sutdol/sutdol.db"
    assert (found.port, found.auth, found.llm_model) == (8080, "auto", "llama3.2")
    battle = found.battle
    assert (battle.texts, battle.queries, battle.edits, battle.trigger) == (150, 80, 4, 0.99)
    assert found.guard.fpr == 0.05
    loop, worker = found.loop, found.worker
    assert (loop.after_examples, loop.detection, loop.cooldown, loop.look) == (500, 0.9, 3600, 60)
    assert (loop.evaluate_cron, loop.improve_cron, loop.timezone) == ("15 3 * * *", "off", "UTC")
    assert (worker.slots, worker.most, worker.attempts, worker.silence) == (1, None, 10, 4)


def test_the_loop_is_set_by_variables_and_by_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "sutdol.yaml").write_text(
        "loop: {after_examples: 0, evaluate_cron: off, timezone: Asia/Seoul}\nworker: {most: 3}\n"
    )
    monkeypatch.setenv("SUTDOL_LOOP__IMPROVE_CRON", "*/10 0 4 * * *")
    monkeypatch.setenv("SUTDOL_WORKER__SLOTS", "2")
    found = Settings.load(loop={"cooldown": 0})
    assert (found.loop.after_examples, found.loop.cooldown) == (0, 0)
    assert (found.loop.evaluate_cron, found.loop.improve_cron) == ("off", "*/10 0 4 * * *")
    assert (found.loop.timezone, found.worker.most, found.worker.slots) == ("Asia/Seoul", 3, 2)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "LOOP__EVALUATE_CRON",
            "0 4 * *",
            "evaluate_cron is '0 4 * *': a cron expression has five",
        ),
        ("LOOP__IMPROVE_CRON", "daily", "improve_cron is 'daily': a cron expression has five"),
        ("LOOP__TIMEZONE", "Asia/Seol", "timezone is 'Asia/Seol': no such time zone; write one"),
        ("LOOP__TIMEZONE", "../../etc/passwd", "no such time zone"),
        ("LOOP__AFTER_EXAMPLES", "-1", "loop.after_examples"),
        ("LOOP__DETECTION", "1.5", "loop.detection"),
        ("LOOP__COOLDOWN", "-1", "loop.cooldown"),
        ("LOOP__LOOK", "0", "loop.look"),
        ("LOOP__LOOK_CRON", "* * * * *", "No setting named 'loop.look_cron'. Did you mean"),
        ("WORKER__SLOTS", "0", "worker.slots"),
        ("WORKER__MOST", "0", "worker.most"),
        ("WORKER__ATTEMPTS", "0", "worker.attempts"),
        ("WORKER__SILENCE", "1", "worker.silence"),
    ],
)
def test_a_loop_or_worker_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"SUTDOL_{name}", value)
    with pytest.raises(UsageError) as refused:
        Settings.load()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_each_layer_beats_the_one_below(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().battle.texts == 150
    (folder / "sutdol.yaml").write_text("battle:\n  texts: 1\n  queries: 1\n  edits: 1\n")
    assert Settings.load().battle.texts == 1
    (folder / ".env").write_text("SUTDOL_BATTLE__TEXTS=2\nSUTDOL_BATTLE__QUERIES=2\n")
    assert Settings.load().battle.texts == 2
    monkeypatch.setenv("SUTDOL_BATTLE__TEXTS", "3")
    assert Settings.load().battle.texts == 3
    found = Settings.load(battle={"texts": 4, "queries": None}, home=None).battle
    assert (found.texts, found.queries, found.edits) == (4, 2, 1)


def test_conventional_names_count_unless_ours_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DATABASE_URL": "postgres://me:pw@db/app",
        "REDIS_URL": "redis://r",
        "OPENAI_BASE_URL": "http://o/v1",
        "OPENAI_API_KEY": "sk-1",
        "VLLM_BASE_URL": "http://v/v1",
        "HUGGINGFACE_TOKEN": "hf-2",
        "RUNPOD_API_KEY": "rp-1",
        "RUNPOD_ENDPOINT_ID": "e1",
        "MLFLOW_TRACKING_URI": "http://m",
        "FASTAPI_PORT": "9000",
        "ENABLE_AUTH": "true",
    }.items():
        monkeypatch.setenv(name, value)
    found = Settings.load()
    assert found.database_url == "postgresql+psycopg://me:pw@db/app"
    assert (found.redis_url, found.openai_base_url) == ("redis://r", "http://o/v1")
    assert (found.vllm_base_url, found.mlflow_tracking_uri) == ("http://v/v1", "http://m")
    assert (found.runpod_endpoint_id, found.port, found.auth) == ("e1", 9000, "on")
    keys = found.openai_api_key, found.hf_token, found.runpod_api_key
    assert [key and key.get_secret_value() for key in keys] == ["sk-1", "hf-2", "rp-1"]
    monkeypatch.setenv("HF_TOKEN", "hf-1")
    monkeypatch.setenv("SUTDOL_PORT", "9001")
    again = Settings.load()
    assert again.port == 9001
    assert again.hf_token
    assert again.hf_token.get_secret_value() == "hf-1"


def test_home_is_not_taken_from_the_shells_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere/else")
    assert Settings.load().home.name == ".sutdol"


def test_an_empty_variable_is_not_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("SUTDOL_OPENAI_BASE_URL", "")
    (folder / "sutdol.yaml").write_text("openai_api_key: ${OPENAI_API_KEY:-}\nbattle:\n")
    found = Settings.load()
    assert found.database_url.startswith("sqlite+pysqlite:///")
    assert (found.openai_base_url, found.openai_api_key) == (None, None)


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("sqlite:///x.db", "sqlite+pysqlite:///x.db"),
        ("sqlite+aiosqlite:////a/x.db", "sqlite+pysqlite:////a/x.db"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+asyncpg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_database_urls_are_mapped_to_our_drivers(given_url: str, expected: str) -> None:
    assert Settings.load(database_url=given_url).database_url == expected


@pytest.mark.parametrize("bad", ["mysql://me:hunter2@h/d", "hunter2", "sqlite:hunter2.db"])
def test_a_database_we_do_not_know_is_refused_without_showing_it(bad: str) -> None:
    with pytest.raises(UsageError, match=r"^Setting database_url must start with") as refused:
        Settings.load(database_url=bad)
    assert "hunter2" not in str(refused.value)


def test_a_home_with_odd_letters_makes_a_url_that_points_into_it(tmp_path: Path) -> None:
    from sqlalchemy import make_url

    home = tmp_path / "숫돌 100%?#"
    assert make_url(Settings.load(home=home).database_url).database == f"{home}/sutdol.db"


def test_variables_are_filled_into_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHO", "me")
    (folder / ".env").write_text("SECRET=pw: {x}\n")
    (folder / "mine.yaml").write_text(
        "database_url: postgres://${WHO}:${SECRET}@${DB_HOST:-localhost}/d\n"
        "battle: {texts: '${TEXTS:-7}'}\n"
    )
    monkeypatch.setenv("SUTDOL_CONFIG", "mine.yaml")
    found = Settings.load()
    assert found.database_url == "postgresql+psycopg://me:pw: {x}@localhost/d"
    assert found.battle.texts == 7


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("databse_url: x", "No setting named 'databse_url'. Did you mean 'database_url'?"),
        ("battle: {text: 1}", "No setting named 'battle.text'. Did you mean 'battle.texts'?"),
        ("llm_model: ${NOPE}", "Setting llm_model needs the environment variable NOPE"),
        ("battle: {texts: ${NOPE}}", "is not YAML"),
        ("- a", "must hold `name: value` lines"),
        ("port: [", "is not YAML"),
        ("battle: 5", "Setting battle is 5: "),
        ("openai_api_key: [hunter2]", "Setting openai_api_key: "),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(folder: Path, content: str, sentence: str) -> None:
    (folder / "sutdol.yaml").write_text(content)
    with pytest.raises(UsageError) as refused:
        Settings.load()
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("SUTDOL_PORT", "many", "port"),
        ("FASTAPI_PORT", "70000", "port"),
        ("SUTDOL_BATTLE__TEXTS", "0", "battle.texts"),
        ("SUTDOL_BATTLE__TRIGGER", "nan", "battle.trigger"),
        ("SUTDOL_GUARD__FPR", "1", "guard.fpr"),
        ("SUTDOL_BATTLE__TEXT", "1", "battle.texts"),
        ("SUTDOL_BATTLE", "{", "battle"),
        ("SUTDOL_AUTH", "maybe", "auth"),
    ],
)
def test_a_bad_variable_is_refused_by_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, setting: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=setting) as refused:
        Settings.load()
    assert "\n" not in str(refused.value)


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'home'"):
        Settings.load(hoem="x")


def test_a_missing_named_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUTDOL_CONFIG", "gone.yaml")
    with pytest.raises(UsageError, match=r"gone\.yaml"):
        Settings.load()


def test_files_that_are_no_text_are_refused(folder: Path) -> None:
    (folder / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"\.env"):
        Settings.load()
    (folder / ".env").unlink()
    (folder / "sutdol.yaml").write_bytes(b"\xff\xfe\x00\xff")
    with pytest.raises(UsageError, match=r"sutdol\.yaml"):
        Settings.load()


def test_a_virtual_environment_called_env_is_no_settings_file(folder: Path) -> None:
    (folder / ".env").mkdir()
    assert Settings.load().port == 8080


@pytest.mark.parametrize(
    ("word", "meaning"),
    [("1", "on"), ("True", "on"), ("on", "on"), ("0", "off"), ("false", "off"), ("auto", "auto")],
)
def test_auth_is_read_as_people_write_it(word: str, meaning: str) -> None:
    assert Settings.load(auth=word).auth == meaning


def test_yaml_booleans_set_auth_too(folder: Path) -> None:
    (folder / "sutdol.yaml").write_text("auth: off\n")
    assert Settings.load().auth == "off"


def test_secrets_are_never_shown() -> None:
    found = Settings.load(
        openai_api_key="hunter2",
        hf_token="hunter2",
        runpod_api_key="hunter2",
        database_url="postgres://me:hunter2@h/d",
        redis_url="redis://:hunter2@h",
        openai_base_url="http://me:hunter2@h/v1",
        vllm_base_url="http://me:hunter2@h/v1",
        mlflow_tracking_uri="http://me:hunter2@h",
    )
    assert "hunter2" not in repr(found) + str(found)


def test_every_setting_says_what_it_is_for() -> None:
    nested = {type(one) for _, one in Settings.load() if isinstance(one, BaseModel)}
    assert len(nested) >= 4
    for model in (Settings, *nested):
        assert all(field.description for field in model.model_fields.values())


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.integers() | st.none()))
def test_whatever_the_flags_it_loads_or_says_why(flags: dict[str, object]) -> None:
    with suppress(UsageError):
        assert Settings.load(**flags).database_url
