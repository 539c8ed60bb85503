"""HLG made of SDR by ITU-R BT.2100, literally; zscale turns each channel by itself there."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

_TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
_A, _B = 0.17883277, 0.28466892
_C = 0.5 - _A * np.log(4 * _A)
_EXACT = ("BILINEAR", "ACCURATE_RND", "FULL_CHR_H_INT", "FULL_CHR_H_INP")


def hlg_of(sdr: Path, path: Path, quantiser: int = 4) -> Path:
    """The same video in HLG, SDR white at 203 nit on a display of 1000 nit."""
    flags = sum(int(av.video.reformatter.Interpolation[name]) for name in _EXACT)
    with av.open(str(sdr)) as source, av.open(str(path), "w") as target:
        decoded = source.streams.video[0]
        options = {"qp": str(quantiser), "preset": "ultrafast"}
        stream = target.add_stream("libx264", rate=decoded.average_rate, options=options)
        stream.width, stream.height, stream.pix_fmt = decoded.width, decoded.height, "yuv420p10le"
        stream.codec_context.colorspace, stream.codec_context.color_range = 9, 1
        stream.codec_context.color_trc, stream.codec_context.color_primaries = 18, 9
        for i, frame in enumerate(source.decode(video=0)):
            displayed = (frame.to_ndarray(format="rgb24") / 255) ** 2.4 * 0.203 @ _TO_2020.T
            luminance = displayed @ [0.2627, 0.6780, 0.0593]
            scene = displayed * np.maximum(luminance, 1e-9)[..., None] ** (1 / 1.2 - 1)
            low, high = np.sqrt(3 * scene), _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C
            code = np.round(np.where(scene <= 1 / 12, low, high).clip(0, 1) * 65535).astype(np.uint16)
            rgb = av.VideoFrame.from_ndarray(code, format="rgb48le")
            ycc = rgb.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1, interpolation=flags)
            ycc.colorspace, ycc.color_range, ycc.color_trc, ycc.color_primaries = 9, 1, 18, 9
            ycc.pts, ycc.time_base = i, 1 / decoded.average_rate
            target.mux(stream.encode(ycc))
        target.mux(stream.encode(None))
    return path
