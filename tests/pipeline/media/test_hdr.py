"""HDR and wide gamut look like the SDR that they were made from."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from clips import extract
from ffmpeg import ffmpeg
from hlg import hlg_of

from avcues.pipeline.media.picture.cube import ColorCube
from avcues.pipeline.media.picture.tone import SDR_WHITE_NIT, ColorEncoding, to_sdr
from avcues.pipeline.media.reading import Reading

TO_2020 = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl={npl},format=yuv420p10le"
)
BEST = ("-an", "-c:v", "libx264", "-preset", "veryfast", "-qp", "4")


def tags(transfer: str) -> tuple[str, ...]:
    return ("-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", transfer)


@pytest.fixture(scope="module")
def clips(media: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same minute as SDR of BT.709, as HDR10, HLG and SDR of BT.2020."""
    folder = tmp_path_factory.mktemp("hdr")
    sdr_tags = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
    size = "scale=320:180,fps=2,setparams=colorspace=bt709:color_trc=bt709:color_primaries=bt709"
    sdr = ffmpeg("-i", str(media("real60.mp4")), "-vf", size, *BEST, *sdr_tags, out=folder / "sdr.mp4")
    if b" zscale " not in subprocess.run(["ffmpeg", "-hide_banner", "-filters"], capture_output=True).stdout:
        pytest.skip("this ffmpeg has no zscale")
    paths = {"sdr": sdr}
    for name, transfer, npl in (("hdr10", "smpte2084", 203), ("sdr2020", "bt709", 100)):
        filters = TO_2020.format(transfer=transfer, npl=npl)
        if name == "sdr2020":
            filters = filters.replace(":npl=203", "").replace(":npl=100", "")
        paths[name] = ffmpeg("-i", str(sdr), "-vf", filters, *BEST, *tags(transfer), out=folder / f"{name}.mkv")
    paths["hlg"] = hlg_of(sdr, folder / "hlg.mkv")
    return paths


@pytest.mark.parametrize("name", ["hdr10", "hlg", "sdr2020"])
def test_colours_are_those_of_the_sdr_master(clips: dict[str, Path], tmp_path: Path, name: str) -> None:
    features = ("color", "lighting")
    master = extract(clips["sdr"], tmp_path, features=features)
    displayed = extract(clips[name], tmp_path, features=features)
    coded = extract(clips[name], tmp_path / "coded", features=features, reading=Reading(picture="coded"))
    columns = ("saturation_mean", "value_mean")
    differences = {c: displayed.column("color", c) - master.column("color", c) for c in columns}
    shift_as_coded = coded.column("color", "saturation_mean") - master.column("color", "saturation_mean")
    assert abs(np.nanmean(differences["saturation_mean"])) < 0.05
    assert np.nanstd(differences["saturation_mean"]) < 0.02
    assert abs(np.nanmean(differences["value_mean"])) < 0.02
    assert abs(np.nanmean(shift_as_coded)) > 0.03
    (note,) = displayed.result.notes
    assert "is shown as SDR of BT.709" in note


def pq(nit: float) -> float:
    """SMPTE ST 2084, literally."""
    y = (nit / 10000) ** (2610 / 16384)
    return float(((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 4096 * 128))


@pytest.mark.parametrize("nit", [0.1, 1, 10, 50, 100, 203, 400, 1000])
def test_grey_follows_the_curve_of_bt_2390(nit: float) -> None:
    source, target = pq(1000), pq(SDR_WHITE_NIT)
    e1, largest = pq(nit) / source, target / source
    ks = 1.5 * largest - 0.5
    if e1 < ks:
        e2 = e1
    else:
        t = (e1 - ks) / (1 - ks)
        e2 = (2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks) + (-2 * t**3 + 3 * t**2) * largest
    nits = np.geomspace(1e-3, 1000, 20_000)
    light = np.interp(e2 * source, [pq(n) for n in nits], nits)
    expected = (light / SDR_WHITE_NIT) ** (1 / 2.4)
    displayed = to_sdr(np.full((1, 3), pq(nit)), ColorEncoding("smpte2084", "bt2020"))
    np.testing.assert_allclose(displayed, min(expected, 1), atol=0.002)


def test_reference_white_of_hlg_is_that_of_pq() -> None:
    """75 % of HLG is 203 nit on a display of 1000 nit: ITU-R BT.2408."""
    hlg = to_sdr(np.full((1, 3), 0.75), ColorEncoding("arib-std-b67", "bt2020"))
    np.testing.assert_allclose(hlg, to_sdr(np.full((1, 3), pq(203)), ColorEncoding("smpte2084", "bt2020")), atol=0.004)


def test_a_file_that_is_no_brighter_than_sdr_is_not_darkened() -> None:
    displayed = to_sdr(np.full((1, 3), pq(100)), ColorEncoding("smpte2084", "bt2020", peak_nit=203))
    np.testing.assert_allclose(displayed, (100 / 203) ** (1 / 2.4), atol=0.001)


@pytest.mark.parametrize("primaries", ["bt2020", "smpte431", "smpte432"])
def test_white_and_the_primaries_of_bt709_stay(primaries: str) -> None:
    white = to_sdr(np.ones((1, 3)), ColorEncoding("bt709", primaries))
    np.testing.assert_allclose(white, 1, atol=1e-6)


def test_the_cube_is_exact_to_a_level() -> None:
    """Against the formula, on colours between the points of the cube."""
    width, height = 64, 64
    codes = np.random.default_rng(0).integers(0, 65536, (3, height, width), np.uint16)
    frame = av.VideoFrame(width, height, "gbrp16le")
    for plane, values in zip(frame.planes, (codes[1], codes[2], codes[0]), strict=True):
        plane.update(np.ascontiguousarray(values).tobytes())
    color = ColorEncoding("smpte2084", "bt2020")
    converted = ColorCube(color).rgb(frame, width, height, av.video.reformatter.Interpolation.BILINEAR)
    expected = 255 * to_sdr(codes.transpose(1, 2, 0) / 65535, color)
    assert np.abs(converted - expected).mean() < 0.6


@pytest.mark.parametrize("matrix", ["ycgco", "ictcp", "bt2020c"])
def test_other_matrices_give_the_colours_that_went_in(matrix: str) -> None:
    """Encoded here by the definitions of ITU-T H.273 and ITU-R BT.2100, decoded by the cube's formula."""
    rgb = np.array([[0.5, 0.5, 0.5], [0.6, 0.4, 0.3], [0.3, 0.45, 0.6], [0.9, 0.9, 0.9]])
    levels = {"ycgco": _ycgco, "ictcp": _ictcp, "bt2020c": _constant_luminance}[matrix](rgb)
    coded = (levels * [219, 224, 224] + [16, 128, 128]) * 256 / 65535
    transfer, primaries = {
        "ycgco": ("bt709", "bt709"),
        "ictcp": ("smpte2084", "bt2020"),
        "bt2020c": ("bt709", "bt2020"),
    }[matrix]
    converted = to_sdr(coded, ColorEncoding(transfer, primaries, matrix=matrix))
    np.testing.assert_allclose(converted, to_sdr(rgb, ColorEncoding(transfer, primaries)), atol=0.01)


def _ycgco(rgb: np.ndarray) -> np.ndarray:
    r, g, b = rgb.T
    return np.stack([(r + 2 * g + b) / 4, (2 * g - r - b) / 4, (r - b) / 2], axis=-1)


def _ictcp(rgb: np.ndarray) -> np.ndarray:
    eotf = np.vectorize(_nit)(rgb)
    lms = eotf @ np.array([[1688, 2146, 262], [683, 2951, 462], [99, 309, 3688]]).T / 4096
    code = np.vectorize(pq)(lms)
    return code @ np.array([[2048, 2048, 0], [6610, -13613, 7003], [17933, -17390, -543]]).T / 4096


def _nit(code: float) -> float:
    nits = np.geomspace(1e-5, 10000, 400_000)
    y = (nits / 10000) ** (2610 / 16384)
    codes = ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 4096 * 128)
    return float(np.interp(code, codes, nits))


def _constant_luminance(rgb: np.ndarray) -> np.ndarray:
    luma = ((rgb**2.4) @ [0.2627, 0.6780, 0.0593]) ** (1 / 2.4)
    blue, red = rgb[:, 2] - luma, rgb[:, 0] - luma
    return np.stack(
        [luma, blue / np.where(blue <= 0, 1.9404, 1.5816), red / np.where(red <= 0, 1.7184, 0.9936)], axis=-1
    )
