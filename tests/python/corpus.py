"""Makes small files as people bring them, readable and not, and says what is expected of each.

    python tests/python/corpus.py FOLDER

FOLDER/expected.json lists, for each: `path` (as given to the trainer, with [NAME] where a part is meant), `options`, `outcome`
("read" or "refused"), `says` (words that the message or `trainer info` must hold), and for those that are read the number of maps, the
side in degrees, the mean of kappa and `digits` that agree. All readable files hold the same four maps.
"""

import gzip
import json
import pathlib
import pickle
import sys

import h5py
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

PIXELS, SIDE = 32, 0.5
HERE = pathlib.Path(sys.argv[1])
HERE.mkdir(parents=True, exist_ok=True)

random = np.random.default_rng(1)
S = (0.02 * (np.exp(0.5 * random.standard_normal((4, PIXELS, PIXELS))) - 1.13)).astype("f4")
K = S[0]
expected = []


def read(path, says=(), maps=4, side=None, options="", mean=None, digits=6, masked=0.0):
    """A file that is read; `side` is what it states itself."""
    mean = S[:maps].mean(dtype="f8") if mean is None else mean
    expected.append(dict(path=path, outcome="read", says=list(says), maps=maps, side=side, options=options, mean=float(mean),
                         digits=digits, masked=float(masked)))


def refused(path, *says, options=""):
    """A file that is refused; without `options` (None) no side is given either."""
    expected.append(dict(path=path, outcome="refused", says=list(says), options=options))


def npy(name, array):
    np.save(HERE / name, array)
    return name


# .npy: every real type and order.
for kind in ("f4", "f8", ">f4", ">f8", "f2"):
    digits = 4 if kind == "f2" else 6
    read(npy(f"type-{kind.replace('>', 'big-')}.npy", S.astype(kind)), digits=digits, mean=S.astype(kind).mean(dtype="f8"))
read(npy("fortran.npy", np.asfortranarray(S)), says=["Fortran"])
read(npy("fortran-big-double.npy", np.asfortranarray(S.astype(">f8"))), says=["Fortran", "big-endian float64"])
read(npy("channel-second.npy", S[:, None]))
read(npy("channel-last.npy", S[..., None]))
read(npy("one.npy", K), maps=1)
read(npy("one-fortran.npy", np.asfortranarray(K)), maps=1)
with open(HERE / "two-in-one.npy", "wb") as file:
    np.save(file, S[:1])
    np.save(file, S[1:])
read("two-in-one.npy", says=["one after the other"])
counts = np.round(1000 * S).astype("i2")
read(npy("integers.npy", counts), says=["whole numbers"], mean=counts.mean(), digits=3)
refused(npy("complex.npy", np.fft.rfft2(S)), "complex")
refused(npy("objects.npy", np.array([K, K[:4]], dtype=object)), "objects")
refused(npy("texts.npy", np.array([["a", "b"]])), "texts")
refused(npy("healpix.npy", np.zeros(49152, "f4")), "HEALPix")
refused(npy("flat.npy", K.ravel()), "reshape")
refused(npy("colours.npy", np.stack([K] * 3, axis=-1)), "channels")
refused(npy("tomographic.npy", np.stack([S] * 5, axis=1)), "channels")
refused(npy("nothing.npy", np.zeros((0, 32, 32), "f4")), "none of them 0")
whole = (HERE / "type-f4.npy").read_bytes()
(HERE / "cut-off.npy").write_bytes(whole[:-5])
refused("cut-off.npy", "cut off")
(HERE / "too-long.npy").write_bytes(whole + b"12345")
refused("too-long.npy", "5 bytes follow")

# .npz and .gz.
np.savez(HERE / "stored.npz", kappa=S)
read("stored.npz")
np.savez_compressed(HERE / "compressed.npz", ra=np.zeros(4), kappa=S, weight=np.ones_like(S))
read("compressed.npz", says=["passed over"])
np.savez_compressed(HERE / "fortran.npz", np.asfortranarray(S))
read("fortran.npz")
np.savez(HERE / "two.npz", e=S, b=S + 1)
refused("two.npz", "say which", "e (")
read("two.npz[e]")
refused("two.npz[c]", 'no "c"')
(HERE / "maps.npy.gz").write_bytes(gzip.compress(whole))
read("maps.npy.gz")
(HERE / "fortran.npy.gz").write_bytes(gzip.compress((HERE / "fortran.npy").read_bytes()))
read("fortran.npy.gz")
(HERE / "damaged.npy.gz").write_bytes(gzip.compress(whole)[:-30])
refused("damaged.npy.gz", "damaged")
(HERE / "damaged.npz").write_bytes((HERE / "compressed.npz").read_bytes()[:-40])
refused("damaged.npz", "not a readable .npz")


# FITS: images, parts, scales.
def image(name, array=K, header=None, **keywords):
    unit = fits.PrimaryHDU(array, header)
    for key, value in keywords.items():
        unit.header[key.replace("_", "-") if key.startswith("DATE") else key] = value
    unit.writeto(HERE / name, overwrite=True)
    return name


def wcs(cdelt=None, cd=None, pc=None, unit="deg"):
    world = WCS(naxis=2)
    world.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    world.wcs.crpix = [16.5, 16.5]
    world.wcs.cunit = [unit, unit]
    if cd is not None:
        world.wcs.cd = cd
    if cdelt is not None:
        world.wcs.cdelt = cdelt
    if pc is not None:
        world.wcs.pc = pc
    return world


step = SIDE / PIXELS
turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
read(image("angle.fits", ANGLE=SIDE), maps=1, side=SIDE)
read(image("doubles.fits", K.astype("f8"), ANGLE=SIDE), maps=1, side=SIDE)
read(image("cd-to-header.fits", header=wcs(cd=np.diag([-step, step])).to_header()), maps=1, side=SIDE)
header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": -step, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": step})
read(image("cd.fits", header=header), maps=1, side=SIDE)
read(image("rotated.fits", header=wcs(cdelt=[-step, step], pc=turn).to_header()), maps=1, side=SIDE)
read(image("rotated-cd.fits", header=wcs(cd=turn @ np.diag([-step, step])).to_header()), maps=1, side=SIDE)
read(image("quarter-turn.fits", header=wcs(cd=np.array([[0, step], [step, 0]])).to_header()), maps=1, side=SIDE)
read(image("flipped.fits", header=wcs(cdelt=[step, step]).to_header()), maps=1, side=SIDE)
read(image("arcmin.fits", CDELT1=-60 * step, CDELT2=60 * step, CUNIT1="arcmin", CUNIT2="arcmin"), maps=1, side=SIDE)
read(image("arcsec.fits", CDELT1=-3600 * step, CDELT2=3600 * step, CUNIT1="arcsec", CUNIT2="arcsec"), maps=1, side=SIDE)
read(image("radians.fits", CDELT1=np.radians(step), CDELT2=np.radians(step), CUNIT1="rad", CUNIT2="rad"), maps=1, side=SIDE)
read(image("no-angle.fits"), maps=1)
read(image("unit-steps.fits", CDELT1=1.0, CDELT2=1.0), maps=1)
refused(image("unequal.fits", header=wcs(cdelt=[-step, 2 * step]).to_header()), "square pixels", "--side-angle", options=None)
refused(image("sheared.fits", header=wcs(cd=np.array([[step, 0.3 * step], [0, step]])).to_header()), "square pixels", options=None)
refused(image("angle-in-arcmin.fits", ANGLE=30.0, CDELT1=-step, CDELT2=step), "30", "0.5", "arcminutes", options=None)
refused(image("angle-in-arcsec.fits", ANGLE=1800.0), "1800", "--side-angle", options=None)
refused(image("angle-and-wcs.fits", ANGLE=3.5, CDELT1=-step, CDELT2=step), "3.5", "0.5", "--side-angle", options=None)
read("angle-and-wcs.fits", maps=1, side=SIDE, options="--side-angle 0.5")
read("angle.fits", maps=1, side=SIDE, options="--side-angle 0.6", says=["0.5"])
read(image("cube.fits", S, ANGLE=SIDE), side=SIDE)
read(image("one-plane.fits", S[:1], ANGLE=SIDE), maps=1, side=SIDE)
scaled = fits.PrimaryHDU(K.copy())
scaled.scale("int16", bscale=1e-5, bzero=0.01)
scaled.header["ANGLE"] = SIDE
scaled.writeto(HERE / "scaled.fits", overwrite=True)
read("scaled.fits", maps=1, side=SIDE, digits=2, mean=np.mean(fits.getdata(HERE / "scaled.fits"), dtype="f8"))
blank = np.round(K * 1e5).astype("i4")
blank[3, 3] = -(2**31)
unit = fits.PrimaryHDU(blank)
unit.header.update(BSCALE=1e-5, BZERO=0.0, BLANK=-(2**31), ANGLE=SIDE)
unit.writeto(HERE / "blank.fits", overwrite=True)
refused("blank.fits", "NaN", "--mask auto")
there = np.ones_like(K, bool)
there[3, 3] = False
read("blank.fits", maps=1, side=SIDE, options="--mask auto", masked=1 / 1024, mean=None, digits=0)
primary = fits.PrimaryHDU()
primary.header["ANGLE"] = SIDE
fits.HDUList([primary, fits.ImageHDU(np.ones_like(K), name="WEIGHT"), fits.ImageHDU(K, name="KAPPA")]).writeto(HERE / "weight-first.fits", overwrite=True)
read("weight-first.fits", maps=1, side=SIDE, says=["WEIGHT"])
read("weight-first.fits[KAPPA]", maps=1, side=SIDE)
read("weight-first.fits[2]", maps=1, side=SIDE)
refused("weight-first.fits[NOISE]", "NOISE", "WEIGHT")
fits.HDUList([primary, fits.ImageHDU(K, name="E"), fits.ImageHDU(K + 1, name="B")]).writeto(HERE / "two-images.fits", overwrite=True)
refused("two-images.fits", "say which", "E (")
read("two-images.fits[E]", maps=1, side=SIDE)
(HERE / "angle.fits.gz").write_bytes(gzip.compress((HERE / "angle.fits").read_bytes()))
read("angle.fits.gz", maps=1, side=SIDE)
tiles = fits.CompImageHDU(K, compression_type="GZIP_1", quantize_level=0)
tiles.header["ANGLE"] = SIDE
fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(HERE / "gzip-tiles.fits.fz", overwrite=True)
read("gzip-tiles.fits.fz", maps=1, side=SIDE, says=["tile-compressed"])
tiles = fits.CompImageHDU(K, compression_type="RICE_1", quantize_level=64)
tiles.header["ANGLE"] = SIDE
fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(HERE / "rice.fits.fz", overwrite=True)
read("rice.fits.fz", maps=1, side=SIDE, says=["tile-compressed"], digits=2, mean=np.mean(fits.getdata(HERE / "rice.fits.fz"), dtype="f8"))
table = fits.BinTableHDU.from_columns([fits.Column("TEMPERATURE", "1024E", array=np.zeros((48, 1024), "f4"))])
table.header.update(PIXTYPE="HEALPIX", ORDERING="RING", NSIDE=64)
table.writeto(HERE / "healpix.fits", overwrite=True)
refused("healpix.fits", "HEALPix", "NSIDE 64")
fits.BinTableHDU.from_columns([fits.Column("ra", "D", array=np.zeros(3))]).writeto(HERE / "catalogue.fits", overwrite=True)
refused("catalogue.fits", "no image")
(HERE / "cut-off.fits").write_bytes((HERE / "angle.fits").read_bytes()[:4000])
refused("cut-off.fits", "cut-off.fits")
refused(image("potential.fits", K * 1e-6, ANGLE=SIDE, BUNIT="rad2"), "potential", "--planes")
refused(image("lens-plane.fits", K, ANGLE=SIDE, CHI=1000.0, Z=0.4), "lens plane")
refused(image("temperature.fits", K, ANGLE=SIDE, BUNIT="uK"), "uK", "--as-kappa")
read("temperature.fits", maps=1, side=SIDE, options="--as-kappa")

# Sky and axes.
refused(image("far-tangent.fits", header=fits.Header({**header, "CRPIX1": 2000.0})), "TAN", "--side-angle", options=None)
refused(image("car.fits", header=fits.Header({**header, "CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR", "CRVAL2": 60.0})), "CAR", options=None)
read(image("car-equator.fits", header=fits.Header({**header, "CTYPE1": "RA---CAR", "CTYPE2": "DEC--CAR", "CRPIX1": 16.5, "CRPIX2": 16.5})), maps=1, side=SIDE)
read(image("linear.fits", CTYPE1="LINEAR", CTYPE2="LINEAR", CDELT1=0.5, CDELT2=0.5), maps=1)
unit = fits.PrimaryHDU(K)
unit.header["ANGLE"] = (30.0, "[arcmin] side")
unit.writeto(HERE / "angle-comment.fits", overwrite=True)
read("angle-comment.fits", maps=1, side=SIDE)
read(image("pc-alone.fits", header=fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "PC1_1": -step, "PC2_2": step})), maps=1, side=SIDE)
refused(image("stokes.fits", S[:2], CTYPE3="STOKES", ANGLE=SIDE), "STOKES")
fits.HDUList([primary, fits.ImageHDU(K, name="KAPPA"), fits.ImageHDU(K, name="KAPPA")]).writeto(HERE / "twice.fits", overwrite=True)
refused("twice.fits[KAPPA]", "number")
read("twice.fits[2]", maps=1, side=SIDE)

# What the numbers are.
read(npy("standardised.npy", ((S - S.mean()) / S.std()).astype("f4")), says=["standardised"], mean=0.0, digits=0)
read(npy("potential-values.npy", S * 1e-5), says=["potential"], mean=S.mean(dtype="f8") * 1e-5)
read(npy("density.npy", (1 + 10 * S).astype("f4")), says=["density"], mean=1 + 10 * S.mean(dtype="f8"), digits=4)
hole = S.copy()
hole[:, 3, 3] = -1.6375e30
refused(npy("unseen.npy", hole), "UNSEEN", "--mask auto")
read("unseen.npy", options="--mask auto", masked=1 / 1024, digits=0)
hole[:, 3, 3] = np.nan
refused(npy("nan.npy", hole), "NaN", "--mask auto")
read("nan.npy", options="--mask nan", masked=1 / 1024, digits=0)
hole[:, 3, 3] = -99
refused(npy("minus-99.npy", hole), "-99", "--mask auto")
mask = np.ones((PIXELS, PIXELS), "u1")
mask[:8] = 0
npy("mask.npy", mask)
read("type-f4.npy", options="--mask mask.npy", masked=0.25, digits=0)
npy("mask-small.npy", mask[:16])
refused("type-f4.npy", "16 x 32", options="--mask mask-small.npy")

np.savez(HERE / "both.npz", kappa=S, mask=mask)
read("type-f4.npy", options="--mask both.npz", masked=0.25, digits=0)
refused("type-f4.npy", "below 0", options="--mask type-f8.npy")
refused("type-f4.npy", "whole neighbourhood", options="--mask mask-zero.npy")
npy("mask-zero.npy", 0 * mask)
stored = bytearray((HERE / "stored.npz").read_bytes())
stored[400:404] = bytes(4)
(HERE / "wrong-checksum.npz").write_bytes(stored)
refused("wrong-checksum.npz", "not a readable .npz")

# HDF5.
with h5py.File(HERE / "block.h5", "w", userblock_size=1024) as file:
    file["kappa"] = S
read("block.h5", says=["HDF5"])
with h5py.File(HERE / "plain.h5", "w") as file:
    file["kappa"] = S
read("plain.h5", says=["HDF5"])
with h5py.File(HERE / "chunks.hdf5", "w") as file:
    group = file.create_group("z1")
    group.create_dataset("kappa", data=S.astype(">f8"), chunks=(1, 16, 16), compression="gzip", shuffle=True)
    group["labels"] = np.arange(4)
read("chunks.hdf5", says=["z1/kappa"])
with h5py.File(HERE / "two.h5", "w") as file:
    file["bin1"], file["bin2"] = S, S + 1
refused("two.h5", "say which", "bin1")
read("two.h5[bin1]")
with h5py.File(HERE / "no-maps.h5", "w") as file:
    file["catalogue/ra"] = np.zeros(7)
refused("no-maps.h5", "catalogue/ra")

# Things that are no maps.
(HERE / "empty.npy").write_bytes(b"")
refused("empty.npy", "empty")
(HERE / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
refused("picture.png", "picture")
(HERE / "pickle.pkl").write_bytes(pickle.dumps(K))
refused("pickle.pkl", "pickle")
np.savetxt(HERE / "table.txt", K)
refused("table.txt", "numpy.loadtxt")
(HERE / "page.fits").write_text("<!DOCTYPE html><title>404</title>")
refused("page.fits", "HTML")
refused("nowhere.npy", "not there")

# Folders.
folder = HERE / "folder"
folder.mkdir(exist_ok=True)
np.save(folder / "a.npy", S[0])
unit = fits.PrimaryHDU(S[1])
unit.header["ANGLE"] = SIDE
unit.writeto(folder / "b.fits", overwrite=True)
(folder / "b2.fits.gz").write_bytes(gzip.compress((folder / "b.fits").read_bytes()))
np.savez(folder / "c.npz", kappa=S[3])
(folder / "._a.fits").write_bytes(b"not FITS")
(folder / "notes.txt").write_text("hello")
np.save(folder / "a_mask.npy", np.ones_like(K))
refused("folder", "--side-angle")
read("folder", options="--side-angle 0.5", says=["notes.txt", "a_mask.npy"], side=SIDE,
     mean=np.mean([S[0].mean(dtype="f8"), S[1].mean(dtype="f8"), S[1].mean(dtype="f8"), S[3].mean(dtype="f8")]))
(HERE / "empty-folder").mkdir(exist_ok=True)
refused("empty-folder", "holds no maps")

# Companions.
npy("companion.npy", S[:, :16, :16])
description = dict(source="other maps", maps=4, pixels=32, side_angle=3.5)
(HERE / "companion.npy.json").write_text(json.dumps(description))
refused("companion.npy", "another array")

(HERE / "expected.json").write_text(json.dumps(expected, indent=1))
