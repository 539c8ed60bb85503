"""A rater without a browser, who talks to the server as a page does, only faster."""

from __future__ import annotations

import io
import json
import secrets
import urllib.error
import urllib.request
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from avcues.pipeline.collection.export.lag import point_path

Path2D = Callable[[float], tuple[float, float]]
LAG_S = 0.4
FPS = 25


@dataclass
class ScriptedRater:
    """A rater who answers everything.

    Args:
        link: Of the study.
        place: Where the pointer is, 0..1 each way, at a time of the clip in seconds.
        answer: Answers a question about a clip; takes the question and the item.
        lag_s: How late the pointer follows the moving point.

    Attributes:
        given: Answers about clips by item.
        pages: Keys of the pages, in order.
        trials: Steps of the trials, in order.
    """

    link: str
    place: Path2D = lambda time: (0.5, 0.5)
    answer: Callable[[dict[str, Any], int], Any] | None = None
    lag_s: float = LAG_S
    given: dict[int, dict[str, Any]] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)
    trials: list[dict[str, Any]] = field(default_factory=list)
    rater: str = ""
    _name: str = field(init=False, default_factory=lambda: secrets.token_hex(8))

    def take_part(self, most: int | None = None) -> str:
        """Does all steps, or leaves in the middle of a clip after `most` clips; returns the last step's kind."""
        parts = urlsplit(self.link)
        self._base = f"{parts.scheme}://{parts.netloc}"
        if not self.rater:
            self.rater = f"/r/{self._post(parts.path, {'outside_id': ''})['rater']}"
        self._tab = f"tab-of-{self._name}"
        step = self._post(f"{self.rater}/next", {"tab": self._tab, "device": {"agent": "script", "touch": True}})
        while step["step"] not in ("end", "wait"):
            if step["step"] == "trial" and most is not None and len(self.trials) >= most:
                return "left"
            getattr(self, f"_{step['step']}")(step)
            step = self._post(f"{self.rater}/next", {"tab": self._tab})
        return str(step["step"])

    def _page(self, step: dict[str, Any]) -> None:
        self.pages.append(step["key"])
        answers = {question["name"]: self._answer(question, 0) for question in step["questions"]}
        self._answers(step["key"], answers | ({"consent": True} if step["consent"] else {}))

    def _sound(self, step: dict[str, Any]) -> None:
        with wave.open(io.BytesIO(self._get(f"{self.rater}/tones.wav"))) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            loud = np.abs(samples.reshape(-1, 1).astype(int)[:, 0]) > 3000
            onsets = np.flatnonzero(loud)
            count = 1 + int((np.diff(onsets) > 0.2 * file.getframerate()).sum())
        assert self._answers(step["key"], {"tones": (count + 1) % 8, "tries": 1}) == {"right": False}
        assert self._answers(step["key"], {"tones": count, "tries": 2}) == {"right": True}

    def _follow(self, step: dict[str, Any]) -> None:
        times = np.arange(0, step["seconds"], 1 / 60)
        events: list[list[Any]] = []
        for time, (x, y) in zip(times.tolist(), point_path(times - self.lag_s).tolist(), strict=True):
            events += [["c", 1000 + time * 1000, time], ["m", 1000 + time * 1000, x, y]]
        attempt, batches = self._trace(None, events)
        sent = {"tab": self._tab, "key": step["key"], "answers": {}, "attempt": attempt, "batches": batches}
        self._post(f"{self.rater}/answers", sent)

    def _trial(self, step: dict[str, Any]) -> None:
        self.trials.append(step)
        attempt, batches = None, 0
        if step["clip"] is not None:
            assert len(self._get(f"{self.rater}/{step['clip']['address']}")) == step["clip"]["bytes"]
            attempt, batches = self._trace(step["item"], self._play(step))
        answers = {question["name"]: self._answer(question, step["item"]) for question in step["questions"]}
        self.given[step["item"]] = answers
        done = {"tab": self._tab, "item": step["item"], "attempt": attempt, "batches": batches, "answers": answers}
        assert self._post(f"{self.rater}/done", done) == {"saved": True}

    def _play(self, step: dict[str, Any]) -> list[list[Any]]:
        events: list[list[Any]] = [["e", 500, None, "origin", 1.7e12], ["e", 501, 0, "playing", None]]
        for i in range(int(step["clip"]["duration"] * FPS)):
            time, ms = i / FPS, 1000 + i * 1000 / FPS
            x, y = self.place(time)
            frame = ["f", ms - 10, ms, time, i] if "picture" in step["shows"] else ["c", ms, time]
            events += [["m", ms, x, y], frame] if step["rating"] else [frame]
        events.append(["e", 1000 + step["clip"]["duration"] * 1000, step["clip"]["duration"], "ended", None])
        return events

    def _trace(self, item: int | None, events: list[list[Any]]) -> tuple[str, int]:
        attempt = f"attempt-{item or 'of-point'}-{len(self.trials)}-{self._name}"
        pieces = [events[i : i + 400] for i in range(0, len(events), 400)]
        for number, piece in enumerate(pieces):
            batch = {"tab": self._tab, "attempt": attempt, "item": item, "number": number, "events": piece}
            assert self._post(f"{self.rater}/batch", batch) == {"saved": number, "current": True}
        return attempt, len(pieces)

    def _answer(self, question: dict[str, Any], item: int) -> Any:
        if item and self.answer is not None:
            return self.answer(question, item)
        match question["kind"]:
            case "choice":
                return question["options"][:1] if question["several"] else question["options"][0]
            case "yes-no":
                return item % 2 == 0
            case "number" | "scale":
                return question["low"] + item % 5 * question.get("step", 1)
            case "words":
                return f"words of {item}"
            case _:
                labels = [label for group in question["groups"] for label in group["labels"]]
                return {"labels": [labels[item % len(labels)]], "free": ""}

    def _answers(self, key: str, answers: dict[str, Any]) -> dict[str, Any]:
        return self._post(f"{self.rater}/answers", {"tab": self._tab, "key": key, "answers": answers})

    def _post(self, address: str, content: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            self._base + address, json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{address}: {error.code} {error.read().decode()}") from error

    def _get(self, address: str) -> bytes:
        with urllib.request.urlopen(self._base + address, timeout=30) as answer:
            return bytes(answer.read())
