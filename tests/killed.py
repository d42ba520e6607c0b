"""Deeds that break off when they are done and not yet on record, as a process does that is killed.

An engine records what each step gave. It may be killed between a deed and its record: then the deed
is done again. Here that happens to every one of them, once; what was recorded is not done again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sutdol.flow.plan import Deed, Json, Key, Tell


class Killed(BaseException):
    """No error, so that no plan can take it for one."""


@dataclass
class Mortal:
    """The record of a flow whose process is killed after every deed."""

    record: dict[Key, str] = field(default_factory=dict)
    done: list[Key] = field(default_factory=list)

    def deeds(self, deeds: Mapping[str, Deed]) -> dict[str, Deed]:
        return {name: self._mortal(deed) for name, deed in deeds.items()}

    def to_its_end(self, run: Callable[[], Json]) -> Json:
        """Run the flow as often as it takes; `run` begins it again, as a new process would."""
        while True:
            try:
                return run()
            except Killed:
                pass

    def _mortal(self, deed: Deed) -> Deed:
        def does(key: Key, args: Json, tell: Tell) -> Json:
            if key not in self.record:
                answer = json.dumps(deed(key, json.loads(json.dumps(args)), tell))
                self.done.append(key)
                if self.done.count(key) == 1:
                    raise Killed
                self.record[key] = answer
            found: Json = json.loads(self.record[key])
            return found

        return does
