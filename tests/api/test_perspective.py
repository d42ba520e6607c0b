"""Perspective's methods as its clients call them: plain HTTP, the key in the address."""

from collections.abc import Callable
from typing import Any
from unicodedata import normalize
from urllib.parse import urlencode

import pytest
from tests.api.site import Answer, Site
from tests.api.test_moderations import HARMLESS, KOREAN, recorded
from tests.databases import on_sqlite

from sutdol.api.perspective import ATTRIBUTES, score_of, suggested_category
from sutdol.app import Sutdol
from sutdol.roles.categories import CATEGORIES
from sutdol.roles.decisions import Decision
from sutdol.storage import feedback
from sutdol.storage.feedback import Feedback

ANALYZE, SUGGEST = "/v1alpha1/comments:analyze", "/v1alpha1/comments:suggestscore"
EMOJI = "👩‍👧👍🏽 "  # more units of UTF-16 than characters, and more characters than one sees


class Client:
    """Asks as Google's client libraries do."""

    def __init__(self, site: Site, key: str | None = None) -> None:
        self._site, self._query = site, urlencode({"key": key, "alt": "json"} if key else {})

    def analyze(self, said: str, *attributes: str, **more: Any) -> Answer:
        wanted: dict[str, object] = {name: {} for name in attributes or ("TOXICITY",)}
        return self.call(
            ANALYZE, {"comment": {"text": said}, "requestedAttributes": wanted, **more}
        )

    def suggest(self, said: str, scores: dict[str, float], **more: Any) -> Answer:
        told = {name: {"summaryScore": {"value": value}} for name, value in scores.items()}
        return self.call(SUGGEST, {"comment": {"text": said}, "attributeScores": told, **more})

    def call(self, path: str, body: object) -> Answer:
        return self._site.post(f"{path}?{self._query}", body)


@pytest.fixture
def client(site: Site) -> Client:
    return Client(site)


def value(answer: Answer, attribute: str = "TOXICITY") -> float:
    found = answer.json["attributeScores"][attribute]["summaryScore"]
    assert found["type"] == "PROBABILITY"
    return float(found["value"])


def span(answer: Answer) -> tuple[int, int]:
    [found] = answer.json["attributeScores"]["TOXICITY"]["spanScores"]
    assert found["score"] == answer.json["attributeScores"]["TOXICITY"]["summaryScore"]
    return found["begin"], found["end"]


def refusal(answer: Answer) -> str:
    """The message of an error in Google's form."""
    error = answer.error
    assert answer.status == error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    return str(error["message"])


def kept(site: Site) -> list[Feedback]:
    with Sutdol.open(site.settings) as sutdol, sutdol.db.read() as tx:
        return feedback.find(tx)


def decision(**categories: float) -> Decision:
    """`decision(hate__threatening=0.7)`."""
    found = {name.replace("__", "/").replace("_", "-"): v for name, v in categories.items()}
    shares = {name: found.get(name, 0.0) for name in CATEGORIES}
    return Decision(version="guard-v1", flagged=True, score=0.9, categories=shares, applies=())


@on_sqlite
def test_a_comment_gets_the_scores_that_are_asked_for(client: Client, offence: str) -> None:
    fine = client.analyze(HARMLESS, "TOXICITY", "PROFANITY", clientToken="comment-7")
    bad = client.analyze(offence, "TOXICITY")

    assert fine.status == 200
    assert list(fine.json["attributeScores"]) == ["TOXICITY", "PROFANITY"]
    assert value(fine) < 0.5 < value(bad)
    assert fine.json["clientToken"] == "comment-7"
    assert fine.json["languages"] == fine.json["detectedLanguages"] == ["en"]
    assert span(fine) == (0, len(HARMLESS))
    assert "clientToken" not in bad.json


@on_sqlite
def test_all_that_a_client_may_send_is_understood(client: Client) -> None:
    body = {
        "comment": {"text": HARMLESS, "type": "PLAIN_TEXT"},
        "context": {"entries": [{"text": "which one?", "type": "PLAIN_TEXT"}]},
        "requestedAttributes": {"TOXICITY": {"scoreType": "PROBABILITY", "scoreThreshold": 0.0}},
        "languages": ["en"],
        "doNotStore": True,
        "spanAnnotations": False,
        "clientToken": "a",
        "sessionId": "1",
        "communityId": "/forum/knives",
    }

    assert client.call(ANALYZE, body).status == 200


@on_sqlite
@pytest.mark.parametrize("attribute", ATTRIBUTES)
def test_each_attribute_is_answered_under_both_its_names(client: Client, attribute: str) -> None:
    answer = client.analyze(HARMLESS, attribute, f"{attribute}_EXPERIMENTAL")

    assert value(answer, attribute) == value(answer, f"{attribute}_EXPERIMENTAL")


def test_attributes_come_from_the_categories_that_mean_the_same() -> None:
    ruling = decision(
        harassment=0.1, harassment__threatening=0.2, hate=0.3, hate__threatening=0.4,
        violence=0.5, violence__graphic=0.6, profanity=0.7, sexual=0.8, sexual__minors=0.85,
        spam=0.05,
    )  # fmt: skip

    assert {name: score_of(name, ruling) for name in ATTRIBUTES} == {
        "TOXICITY": 0.9,
        "SEVERE_TOXICITY": 0.6,
        "IDENTITY_ATTACK": 0.4,
        "INSULT": 0.1,
        "PROFANITY": 0.7,
        "THREAT": 0.5,
        "SEXUALLY_EXPLICIT": 0.85,
        "OBSCENE": 0.7,
        "SPAM": 0.05,
    }


@on_sqlite
def test_a_score_under_its_threshold_is_left_out(client: Client, offence: str) -> None:
    thresholds = {"TOXICITY": {"scoreThreshold": 0.3}, "SPAM": {"scoreThreshold": 1.0}}

    def scored(said: str) -> Any:
        body = {"comment": {"text": said}, "requestedAttributes": thresholds}
        return client.call(ANALYZE, body).json.get("attributeScores")

    assert list(scored(offence)) == ["TOXICITY"]
    assert scored(HARMLESS) is None


def test_the_part_that_gave_a_comment_away_is_counted_in_utf16(site: Site, offence: str) -> None:
    said = f"{EMOJI * 3}our dog likes the snow. {offence} {EMOJI}"
    with Sutdol.open(site.settings) as sutdol:
        found = sutdol.live().check(said).span
    assert found is not None
    units = [sum(1 + (one > "\uffff") for one in said[:place]) for place in found]

    begin, end = span(Client(site).analyze(said, spanAnnotations=True))

    assert [begin, end] == units
    assert end - begin < len(said.encode("utf-16-le")) // 2
    assert span(Client(site).analyze(said)) == (0, len(said.encode("utf-16-le")) // 2)


@on_sqlite
def test_a_harmless_comment_has_no_such_part(client: Client) -> None:
    assert span(client.analyze(HARMLESS + " 👍", spanAnnotations=True)) == (0, len(HARMLESS) + 3)


@on_sqlite
def test_korean_in_letters_scores_as_korean_in_syllables(client: Client) -> None:
    whole, letters = client.analyze(KOREAN), client.analyze(normalize("NFD", KOREAN))

    assert value(letters) == pytest.approx(value(whole))
    assert letters.json["detectedLanguages"] == ["ko"]
    assert span(letters) == (0, len(normalize("NFD", KOREAN)))


@on_sqlite
def test_a_long_comment_is_as_bad_as_its_worst_part(client: Client, offence: str) -> None:
    padding = "our dog likes the snow. " * 2_200

    harmless, hidden = (client.analyze(padding + one + padding) for one in ("", offence))

    assert value(harmless) < value(hidden)
    words = [one.headers["x-sutdol-guard"].split(";")[0] for one in (harmless, hidden)]
    assert words == ["passed", "flagged"]


@on_sqlite
@pytest.mark.parametrize("given", [["ko"], ["en-GB"], ["de", "en"], [], None])
def test_languages_of_the_guard_are_answered(client: Client, given: list[str] | None) -> None:
    answer = client.analyze(HARMLESS, languages=given)

    assert answer.json["languages"] == (given or ["en"])


@on_sqlite
def test_other_languages_alone_are_refused(client: Client) -> None:
    assert "English and Korean" in refusal(client.analyze(HARMLESS, languages=["de", "fr"]))


@on_sqlite
def test_an_unknown_attribute_is_refused_with_those_there_are(client: Client) -> None:
    message = refusal(client.analyze(HARMLESS, "TOXICITY", "FLIRTATION"))

    assert "FLIRTATION" in message
    assert "SEXUALLY_EXPLICIT" in message


@on_sqlite
@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "comment"),
        ({"comment": {"text": HARMLESS}}, "requestedAttributes"),
        ({"comment": {"text": HARMLESS}, "requestedAttributes": {}}, "requestedAttributes"),
        ({"comment": {"text": ""}, "requestedAttributes": {"TOXICITY": {}}}, "comment.text"),
        ({"comment": {"text": 7}, "requestedAttributes": {"TOXICITY": {}}}, "comment.text"),
        ({"comment": HARMLESS, "requestedAttributes": {"TOXICITY": {}}}, "comment"),
        ({"comment": {"text": HARMLESS}, "requestedAttributes": ["TOXICITY"]}, "requestedAttrib"),
        (
            {"comment": {"text": HARMLESS}, "requestedAttributes": {"SPAM": {"scoreType": "RAW"}}},
            "scoreType",
        ),
        (
            {"comment": {"text": HARMLESS}, "requestedAttributes": {"TOXICITY": {}}, "langs": []},
            "langs",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_in_the_form_of_google(
    client: Client, body: object, named: str
) -> None:
    message = refusal(client.call(ANALYZE, body))

    assert named in message
    assert HARMLESS not in message


def test_the_key_stands_in_the_address(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key(scopes=("moderate",))
    locked.key = None

    assert Client(locked, key).analyze(HARMLESS).status == 200
    nobody = Client(locked, "AIza-nobody").analyze(HARMLESS)
    assert (nobody.status, nobody.error["status"]) == (401, "UNAUTHENTICATED")
    teaching = Client(locked, key).suggest(HARMLESS, {"TOXICITY": 0})
    assert (teaching.status, teaching.error["status"]) == (403, "PERMISSION_DENIED")


def test_an_analysis_is_on_record_without_its_text(site: Site, offence: str) -> None:
    Client(site).analyze(offence, spanAnnotations=True)

    [(request, [decided])] = recorded(site)
    assert (request.route, request.model, request.status) == ("perspective", "guard-v1", 200)
    assert (decided.side, decided.flagged, decided.blocked) == ("moderation", True, False)


def test_a_suggested_score_waits_for_review(locked: Site, new_key: Callable[..., str]) -> None:
    key = new_key("kim", scopes=("feedback",))
    locked.key = None

    answer = Client(locked, key).suggest(
        HARMLESS, {"TOXICITY": 0.9, "INSULT": 0.7}, clientToken="comment-53922", languages=["en"]
    )

    assert answer.status == 200
    assert answer.json == {
        "clientToken": "comment-53922",
        "detectedLanguages": ["en"],
        "requestedLanguages": ["en"],
    }
    [one] = kept(locked)
    assert (one.kind, one.role, one.subject_kind, one.state) == (
        "score", "guard", "text", "waiting",
    )  # fmt: skip
    assert one.source == f"feedback:perspective:{one.user}"
    assert one.key is not None
    assert one.value == {
        "text": HARMLESS,
        "label": 1,
        "category": "harassment",
        "scores": {"TOXICITY": 0.9, "INSULT": 0.7},
    }


def test_languages_that_nobody_named_were_not_requested(client: Client) -> None:
    assert client.suggest(KOREAN, {"TOXICITY": 0}).json == {"detectedLanguages": ["ko"]}


def test_who_suggests_again_has_changed_his_mind(site: Site) -> None:
    Client(site).suggest(HARMLESS, {"TOXICITY": 1})
    Client(site).suggest(HARMLESS, {"TOXICITY": 0})

    [one] = kept(site)
    assert (one.value["label"], one.value["category"]) == (0, "")


def test_a_suggestion_may_score_parts_only(site: Site) -> None:
    spans = [{"begin": 0, "end": 7, "score": {"value": 0.2}}, {"score": {"value": 0.8}}]
    scores = {"THREAT": {"spanScores": spans}}

    answer = Client(site).call(SUGGEST, {"comment": {"text": HARMLESS}, "attributeScores": scores})

    assert answer.status == 200
    [one] = kept(site)
    assert one.value["scores"] == {"THREAT": 0.8}


@pytest.mark.parametrize(
    "scores",
    [{}, {"APPROVED": {"summaryScore": {"value": 1}}}, {"TOXICITY": {}},
     {"TOXICITY": {"summaryScore": {"value": 1.1}}}, {"TOXICITY": {"summaryScore": {}}}],
)  # fmt: skip
def test_a_suggestion_that_says_nothing_is_refused(site: Site, scores: object) -> None:
    refusal(Client(site).call(SUGGEST, {"comment": {"text": HARMLESS}, "attributeScores": scores}))

    assert not kept(site)


def test_a_suggestion_about_a_book_is_refused(site: Site) -> None:
    assert "20,480" in refusal(Client(site).suggest("a" * 20_481, {"TOXICITY": 1}))


def test_a_user_may_suggest_only_so_much_a_day(serve: Callable[..., Site], offence: str) -> None:
    client = Client(serve(server={"feedback": 1}))

    first, second = (client.suggest(said, {"TOXICITY": 1}) for said in (offence, HARMLESS))

    assert (first.status, second.status) == (200, 429)
    assert second.error["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize(
    ("scores", "category"),
    [
        ({"TOXICITY": 1.0}, ""),
        ({"SEVERE_TOXICITY": 1.0}, ""),
        ({"TOXICITY": 1.0, "INSULT": 0.4}, ""),
        ({"TOXICITY": 0.5, "INSULT": 0.6, "THREAT": 0.9}, "harassment/threatening"),
        ({"IDENTITY_ATTACK": 0.9}, "hate"),
        ({"OBSCENE": 0.9}, "profanity"),
    ],
)
def test_a_suggestion_names_the_kind_it_says_most(scores: dict[str, float], category: str) -> None:
    assert suggested_category(scores) == category
