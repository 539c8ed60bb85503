"""Refuses to build from a checkout without symbolic links; everything else about the build is in `pyproject.toml`."""

from pathlib import Path

from setuptools import setup

_FOLDERS = ("extractors", "models_cache", "pipeline")  # `avcues/` links to them; a built package has copies
_LACKING = [name for name in _FOLDERS if not Path(__file__).parent.joinpath("avcues", name).is_dir()]

if _LACKING:
    raise SystemExit(
        f"avcues/{_LACKING[0]} is no link to the folder {_LACKING[0]}: this copy of the sources was made without "
        "symbolic links. In a git checkout: git config core.symlinks true && git checkout -- avcues"
    )

setup()
