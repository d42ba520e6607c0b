"""MLflow as a mirror: the one file that imports it.

Only servers are told (http or https). A database of MLflow's own would have to be migrated by
whoever opens it first, and two who do so at once, such as we and `mlflow ui`, leave it broken for
good; no lock of ours can keep an `mlflow ui` out.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any

from sutdol.core.addresses import bare
from sutdol.core.errors import EngineError, MissingExtra, Refused, UsageError
from sutdol.storage.batches import batches
from sutdol.storage.outside import Dataset, Figure, ModelVersion, Registry, Run

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # on by default, and started by the import
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds; 120 by default
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # 7 by default: the next pass tries again anyway
}
SUBJECT = "sutdol.subject"
MODEL = "model"
START = "start one with `mlflow server` and name it, such as http://127.0.0.1:5000,"

# What one request may carry: https://mlflow.org/docs/latest/rest-api.html#request-limits
MOST_FIGURES, MOST_PARAMS, LONGEST_VALUE, LONGEST_NAME = 900, 100, 500, 250
LONGEST_TEXT, LONGEST_DIGEST = 5_000, 36

LARGEST_MODEL = 64 * 2**20
"""Bytes of a model that is sent along; a language model's adapter is not."""

NOT_LET_IN = (401, 403)
TRY_LATER = (408, 429)


def shown(uri: str) -> str:
    """The address without a password, or "" for what is none."""
    return bare(uri).rstrip("/")


def target(uri: str) -> str:
    """What the table of told things calls this server."""
    return f"mlflow:{sha256(shown(uri).encode()).hexdigest()[:16]}"


def connect(uri: str) -> Registry:
    """The registry at an address; nothing is asked of it yet."""
    if not re.match("https?://[^/]", shown(uri)):
        raise UsageError(f"MLFLOW_TRACKING_URI names no server: {START} in it.")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)  # noqa: TID251  MLflow has no other place for these
    try:
        from mlflow import MlflowClient
    except ModuleNotFoundError as error:
        raise MissingExtra("The MLflow mirror", extra="mlflow") from error
    return Mlflow(MlflowClient(uri, registry_uri=uri), shown(uri))


class Mlflow:
    """A role is an experiment and a registered model, both named `sutdol-<role>`."""

    def __init__(self, client: Any, where: str) -> None:
        self._client, self._where = client, where

    def answers(self) -> None:
        try:
            self._ask("the greeting", lambda: self._client.search_experiments(max_results=1))
        except Refused as error:
            raise EngineError(
                f"What answers at {self._where} is no MLflow server: correct MLFLOW_TRACKING_URI."
            ) from error

    def place(self, role: str) -> str:
        title = _title(role)
        found = self._ask(title, lambda: self._client.get_experiment_by_name(title))
        if found is None:
            self._ask(title, lambda: self._client.create_experiment(title))
            found = self._ask(title, lambda: self._client.get_experiment_by_name(title))
        elif found.lifecycle_stage == "deleted":
            self._ask(title, lambda: self._client.restore_experiment(found.experiment_id))
        if not self._ask(title, lambda: self._client.search_registered_models(f"name = '{title}'")):
            self._ask(title, lambda: self._client.create_registered_model(title))
        # The time tells a new experiment from one of the same number on a server that was wiped.
        return f"{found.experiment_id}@{found.creation_time}"

    def run(self, place: str, run: Run) -> str:
        id_ = self._found(place, run.subject) or self._begun(place, run)
        self._ask(run.name, lambda: self._fill(id_, run))
        return id_

    def version(self, role: str, version: ModelVersion) -> str:
        title, tags = _title(role), _tags(version.tags) | {SUBJECT: version.subject}
        mine = f"name = '{title}' and tags.`{SUBJECT}` = '{version.subject}'"
        found = self._ask(title, lambda: self._client.search_model_versions(mine))
        if not found:
            source = f"runs:/{version.run}/{MODEL}"
            about = version.about[:LONGEST_TEXT]
            how = {"run_id": version.run, "tags": tags, "description": about}
            made = self._ask(title, lambda: self._client.create_model_version(title, source, **how))
            return str(made.version)
        number = str(found[0].version)
        self._ask(title, lambda: self._update(title, number, tags, version.about))
        return number

    def alias(self, role: str, name: str, version: str | None) -> None:
        client, title = self._client, _title(role)
        if version is None:
            self._ask(title, lambda: client.delete_registered_model_alias(title, name))
        else:
            self._ask(title, lambda: client.set_registered_model_alias(title, name, version))

    def _found(self, place: str, subject: str) -> str | None:
        mine = f"tags.`{SUBJECT}` = '{subject}'"
        found = self._ask(subject, lambda: self._client.search_runs([_id(place)], mine))
        return str(found[0].info.run_id) if found else None

    def _begun(self, place: str, run: Run) -> str:
        begun = self._ask(
            run.name,
            lambda: self._client.create_run(
                _id(place),
                start_time=_milliseconds(run.started),
                tags={SUBJECT: run.subject},
                run_name=run.name,
            ),
        )
        return str(begun.info.run_id)

    def _fill(self, id_: str, run: Run) -> None:
        from mlflow.entities import Param, RunTag

        params = [Param(name, value[:LONGEST_VALUE]) for name, value in run.params.items()]
        tags = [RunTag(name, value) for name, value in _tags(run.tags).items()]
        self._client.log_batch(id_, params=params[:MOST_PARAMS], tags=tags)
        for figures in batches(run.figures, MOST_FIGURES):
            self._client.log_batch(id_, metrics=_metrics(figures))
        if run.dataset is not None:
            self._client.log_inputs(id_, [_input(run.dataset)])
        for name, text in run.texts.items():
            self._client.log_text(id_, text, name)
        self._keep(id_, run)
        if run.ended is None:
            self._client.update_run(id_, run.status)
        else:
            self._client.set_terminated(id_, run.status, _milliseconds(run.ended))

    def _keep(self, id_: str, run: Run) -> None:
        """Keep the files of a small model with the run, unless they are there."""
        if run.folder is None or not run.folder.is_dir():
            return
        here = {f"{MODEL}/{path.name}": path.stat().st_size for path in run.folder.iterdir()}
        if sum(here.values()) > LARGEST_MODEL:
            return  # the tags say where it is
        there = {one.path for one in self._client.list_artifacts(id_, MODEL)}
        if not set(here) <= there:
            self._client.log_artifacts(id_, str(run.folder), MODEL)

    def _update(self, title: str, number: str, tags: Mapping[str, str], about: str) -> None:
        self._client.update_model_version(title, number, about[:LONGEST_TEXT])
        for name, value in tags.items():
            self._client.set_model_version_tag(title, number, name, value)

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        with self._clear_faults(what):
            return question()

    @contextmanager
    def _clear_faults(self, what: str) -> Iterator[None]:
        from mlflow.exceptions import MlflowException

        away = f"MLflow at {self._where} does not answer: start it or correct MLFLOW_TRACKING_URI."
        try:
            yield
        except OSError as error:  # among them all errors of its HTTP library
            raise EngineError(away) from error
        except MlflowException as error:
            status = error.get_http_status_code()
            if status in NOT_LET_IN:
                raise EngineError(
                    f"MLflow at {self._where} does not let us in:"
                    " set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
                ) from error
            if status >= 500 or status in TRY_LATER:
                raise EngineError(away) from error
            raise Refused(f"MLflow refuses {what}: {_first_line(error)}") from error


def _title(role: str) -> str:
    return f"sutdol-{role}"


def _id(place: str) -> str:
    return place.partition("@")[0]


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {name[:LONGEST_NAME]: value[:LONGEST_TEXT] for name, value in tags.items()}


def _metrics(figures: Sequence[Figure]) -> list[Any]:
    from mlflow.entities import Metric

    return [
        Metric(one.name[:LONGEST_NAME], one.value, _milliseconds(one.at), one.step)
        for one in figures
    ]


def _input(dataset: Dataset) -> Any:
    from mlflow.entities import Dataset as MlflowDataset
    from mlflow.entities import DatasetInput, InputTag

    return DatasetInput(
        MlflowDataset(
            name=dataset.name,
            digest=dataset.hash[:LONGEST_DIGEST],
            source_type="sutdol",
            source=f'{{"snapshot": "{dataset.hash}"}}',
            profile=f'{{"num_rows": {dataset.rows}}}',
        ),
        [InputTag("mlflow.data.context", dataset.use)],
    )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
