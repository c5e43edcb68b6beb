"""Tests of the installed Python package `cosmogan`, and its notebook, executed: `package.py WEIGHTS NOTEBOOK EXECUTED.ipynb`.

Values of LensTools are read from ../shared/golden where it is there. Ends with a line of counts as Rust's test runner writes it.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import numpy as np

import cosmogan

WEIGHTS, NOTEBOOK, EXECUTED = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
GOLDEN = pathlib.Path(__file__).resolve().parents[3] / "shared" / "golden"
SIDE = 0.865


def smooth_maps(count, pixels=64, seed=1):
    """Noise, smoothed over a few pixels, with a tail."""
    noise = np.random.default_rng(seed).standard_normal((count, pixels, pixels))
    frequency = np.fft.fftfreq(pixels)
    window = np.exp(-2 * (np.pi * 1.5) ** 2 * (frequency[:, None] ** 2 + frequency[None, :] ** 2))
    smooth = np.fft.ifft2(np.fft.fft2(noise) * window).real
    return (0.02 * np.exp(4 * smooth) - 0.02).astype(np.float32)


class GeneratorDraws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.generator = cosmogan.Generator.load(WEIGHTS)

    def test_what_the_manifest_says(self):
        generator, manifest = self.generator, self.generator.manifest
        self.assertEqual(generator.pixels, manifest["network"]["map_side"])
        self.assertEqual(generator.side_angle, manifest["side_angle"])
        self.assertEqual(generator.latent_size, manifest["network"]["latent_size"])
        check = manifest["self_check"]
        kappa = generator.draw(check["seed"])
        drawn = np.array([kappa[row, column] for row, column, _ in check["pixels"]])
        stated = np.array([value for *_, value in check["pixels"]])
        self.assertLess(np.abs(drawn - stated).max(), check["tolerance"])
        self.assertGreater(stated.std(), 10 * check["tolerance"])
        self.assertIn(str(generator.pixels), repr(generator))

    def test_shapes_and_seeds(self):
        one, several = self.generator.draw(7), self.generator.draw([7, 2**64 - 1, 7])
        self.assertEqual((one.dtype, one.shape), (np.float32, (256, 256)))
        self.assertEqual(several.shape, (3, 256, 256))
        self.assertTrue((several[0] == one).all() and (several[2] == one).all() and (several[1] != one).any())
        self.assertTrue((self.generator.draw(np.arange(7, 9)) == self.generator.draw(range(7, 9))).all())
        self.assertEqual(self.generator.draw([]).shape, (0, 256, 256))

    def test_latent_vectors_are_those_of_seeds(self):
        z = self.generator.latent(7)
        self.assertEqual((z.dtype, z.shape), (np.float32, (64,)))
        self.assertTrue((self.generator.draw_latent(z) == self.generator.draw(7)).all())
        both = np.stack([z, self.generator.latent(8)]).astype(np.float64)
        self.assertTrue((self.generator.draw_latent(both) == self.generator.draw([7, 8])).all())

    def test_wrong_input_is_refused_with_a_sentence(self):
        refused = [
            (ValueError, "latent vectors have shape", lambda: self.generator.draw_latent(np.zeros(3))),
            (ValueError, "not finite", lambda: self.generator.draw_latent(np.full(64, np.nan))),
            (ValueError, "seeds are whole numbers", lambda: self.generator.draw(-1)),
            (ValueError, "seeds are whole numbers", lambda: self.generator.draw([3, 2**64])),
            (ValueError, "seeds are whole numbers", lambda: self.generator.draw(1.5)),
            (MemoryError, "", lambda: self.generator.draw(range(10**12))),
            (OSError, "trainer export", lambda: cosmogan.Generator.load("/nothing/here")),
            (ValueError, "precision is", lambda: cosmogan.Generator.load(WEIGHTS, precision="f8")),
        ]
        for kind, words, call in refused:
            with self.assertRaisesRegex(kind, words):
                call()
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "manifest.json").write_text("{}")
            with self.assertRaisesRegex(ValueError, "no manifest of weights"):
                cosmogan.Generator.load(pathlib.Path(folder))


class StatisticsAreThose(unittest.TestCase):
    def test_of_a_naive_twin(self):
        maps = smooth_maps(3)
        edges = np.arange(400.0, 13000.0, 400.0)
        found = cosmogan.statistics(maps, SIDE, l_edges=edges, thresholds=[-1.0, 0.0, 1.0], pdf_thresholds=[-0.02, 0.0, 0.03])
        n, fundamental = 64, 360.0 / SIDE
        ell = fundamental * np.hypot(np.minimum(np.arange(n), n - np.arange(n))[:, None], np.arange(n // 2 + 1)[None, :])
        for kappa, power in zip(maps.astype(np.float64), found["power_spectrum"]):
            squares = np.abs(np.fft.rfft2(kappa)) ** 2 * (np.radians(SIDE) / n**2) ** 2
            for low, high, value in zip(edges, edges[1:], power):
                cells = (ell > low) & (ell <= high)
                expected = squares[cells].mean() if cells.any() else np.nan
                np.testing.assert_allclose(value, expected, rtol=1e-10)
        np.testing.assert_allclose(found["ell"], (edges[1:] + edges[:-1]) / 2)
        flat = maps.reshape(3, -1).astype(np.float64)
        np.testing.assert_allclose(found["mean"], flat.mean(axis=1), rtol=1e-12)
        np.testing.assert_allclose(found["sigma"], flat.std(axis=1), rtol=1e-12)
        above = [[(row > nu * row.std()).mean() for nu in (-0.5, 0.5)] for row in flat]
        np.testing.assert_allclose(found["v0"], above, rtol=1e-12)
        counts = [np.histogram(row, [-0.02, 0.0, 0.03], density=True)[0] for row in flat]
        np.testing.assert_allclose(found["pdf"], counts, rtol=1e-9)
        self.assertEqual(found["moments"].shape, (3, 9))
        self.assertTrue((found["masked"] == 0).all())

    def test_of_lenstools(self):
        if not (GOLDEN / "maps.npy").exists():
            print("skipped: ../shared/golden is not there")
            return
        golden, maps = json.loads((GOLDEN / "golden_stats.json").read_text()), np.load(GOLDEN / "maps.npy")
        found = cosmogan.statistics(maps, golden["side_deg"])
        for ours, theirs in [("power_spectrum", "P"), ("v0", "V0"), ("v1", "V1"), ("v2", "V2"), ("peaks", "peaks"), ("pdf", "pix_pdf")]:
            theirs = np.array(golden[theirs], dtype=float)
            if ours == "power_spectrum":
                # LensTools has 0 where a bin has no Fourier modes.
                theirs[:, np.array(golden["hits"]) == 0] = np.nan
            scale = np.nanmax(np.abs(theirs))
            self.assertEqual(found[ours].shape, theirs.shape)
            np.testing.assert_allclose(found[ours], theirs, rtol=1e-9, atol=1e-12 * scale, err_msg=ours)
        np.testing.assert_allclose(found["moments"][0], golden["moments_map0"], rtol=1e-7)

    def test_of_maps_in_any_form(self):
        maps = smooth_maps(2)
        expected = cosmogan.statistics(maps, SIDE)["power_spectrum"]
        forms = [maps.astype(">f8"), np.asfortranarray(maps), maps[:, None], maps.tolist(), np.repeat(maps, 2, axis=0)[::2]]
        for form in forms:
            np.testing.assert_array_equal(cosmogan.statistics(form, SIDE)["power_spectrum"], expected)
        np.testing.assert_array_equal(cosmogan.statistics(maps[0], SIDE)["power_spectrum"], expected[:1])
        everything = cosmogan.statistics(maps, SIDE)
        fewer = cosmogan.statistics(maps, SIDE, two_point=False, bispectrum=False)
        self.assertEqual(set(everything) - set(fewer), {"two_point", "theta", "bispectrum", "triangle_ell"})
        for name, values in fewer.items():
            np.testing.assert_array_equal(values, everything[name], err_msg=name)

    def test_with_pixels_left_out(self):
        maps = smooth_maps(2)
        mask = np.ones((64, 64))
        mask[10:20, 30:50] = 0
        holes = np.where(mask == 0, np.nan, maps)
        found = cosmogan.statistics(holes, SIDE, mask=mask)
        np.testing.assert_allclose(found["masked"], 200 / 4096)
        for name, values in cosmogan.statistics(maps, SIDE, mask=np.stack([mask, mask])).items():
            np.testing.assert_array_equal(values, found[name], err_msg=name)
        self.assertFalse(np.array_equal(found["v0"], cosmogan.statistics(maps, SIDE)["v0"]))
        with self.assertRaisesRegex(ValueError, "needs a mask"):
            cosmogan.statistics(holes, SIDE)

    def test_wrong_input_is_refused_with_a_sentence(self):
        maps = smooth_maps(1)
        for words, call in [
            ("maps have shape", lambda: cosmogan.statistics(maps[0, 0], SIDE)),
            ("square", lambda: cosmogan.statistics(maps[:, :32], SIDE)),
            ("side of a map in degrees", lambda: cosmogan.statistics(maps, -1.0)),
            ("rise", lambda: cosmogan.statistics(maps, SIDE, l_edges=[3.0, 2.0])),
            ("a mask has the shape", lambda: cosmogan.statistics(maps, SIDE, mask=np.ones(3))),
            ("a mask is 0", lambda: cosmogan.statistics(maps, SIDE, mask=np.full((64, 64), np.nan))),
            ("masked array", lambda: cosmogan.statistics(np.ma.masked_less(maps, 0), SIDE)),
            ("real numbers", lambda: cosmogan.statistics([["a"]], SIDE)),
            ("real numbers", lambda: cosmogan.statistics(maps.astype(complex), SIDE)),
            ("at most 180", lambda: cosmogan.statistics(maps, 181.0)),
            ("edges are one row", lambda: cosmogan.statistics(maps, SIDE, l_edges=np.zeros((2, 2)))),
            ("at least 10", lambda: cosmogan.compare(maps, maps, SIDE, resamples=1)),
        ]:
            with self.assertRaisesRegex(ValueError, words):
                call()

    def test_a_forked_process_is_told_what_to_do(self):
        cosmogan.statistics(smooth_maps(1, 16), SIDE)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                cosmogan.statistics(smooth_maps(1, 16), SIDE)
                said = "nothing"
            except RuntimeError as error:
                said = str(error)
            os.write(writer, said.encode())
            os._exit(0)
        os.close(writer)
        said = os.read(reader, 4096).decode()
        os.close(reader)
        os.waitpid(child, 0)
        self.assertIn("get_context('spawn')", said)

    def test_ctrl_c_ends_a_long_call(self):
        code = "import cosmogan, sys; g = cosmogan.Generator.load(sys.argv[1]); print('ready', flush=True); g.draw(range(10000))"
        child = subprocess.Popen([sys.executable, "-c", code, str(WEIGHTS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        child.stdout.readline()
        time.sleep(1)
        child.send_signal(2)
        _, said = child.communicate(timeout=120)
        self.assertIn("KeyboardInterrupt", said)
        self.assertNotIn("panicked", said)

    def test_other_threads_go_on_meanwhile(self):
        maps, ticks, done = np.tile(smooth_maps(4, 256), (16, 1, 1)), [], threading.Event()

        def tick():
            while not done.wait(0.001):
                ticks.append(time.monotonic())

        ticking = threading.Thread(target=tick)
        ticking.start()
        start = time.monotonic()
        cosmogan.statistics(maps, SIDE)
        end = time.monotonic()
        done.set()
        ticking.join()
        during = [moment for moment in ticks if start < moment < end]
        # While the interpreter is held, there is none at all.
        self.assertGreater(len(during), 5, f"in {end - start} s")


class ComparisonTells(unittest.TestCase):
    def test_alike_from_unlike(self):
        a, b = smooth_maps(24, 32, 1), smooth_maps(24, 32, 2)
        same, other = cosmogan.compare(a, b, SIDE, resamples=99), cosmogan.compare(1.5 * a, b, SIDE, resamples=99)

        def together(comparison, name):
            (found,) = [one for one in comparison["statistics"] if one["statistic"] == name]
            return found["ks"]["together"]

        self.assertEqual((same["maps"], same["options"]["resamples"]), ([24, 24], 99))
        self.assertGreater(together(same, "power_spectrum"), 0.02)
        self.assertLessEqual(together(other, "power_spectrum"), 0.02)
        self.assertEqual(same, cosmogan.compare(a, b, SIDE, resamples=99))
        with self.assertRaises(ValueError):
            cosmogan.compare(a, b[:, :16, :16], SIDE)


class PackageIsWhole(unittest.TestCase):
    def test_stubs_say_what_the_module_has(self):
        with tempfile.TemporaryDirectory() as folder:
            # The compiled module below the package, whose names the package has.
            (pathlib.Path(folder) / "allowed").write_text("cosmogan.cosmogan\n")
            command = [sys.executable, "-m", "mypy.stubtest", "cosmogan", "--concise", "--allowlist", "allowed"]
            result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_help_says_what_the_stubs_say(self):
        import ast
        import importlib.resources
        import inspect

        stubs = ast.parse((importlib.resources.files("cosmogan") / "__init__.pyi").read_text())
        (of_class,) = [node for node in stubs.body if isinstance(node, ast.ClassDef)]
        pairs = [(getattr(cosmogan, node.name), node) for node in stubs.body if isinstance(node, ast.FunctionDef)]
        pairs += [(getattr(cosmogan.Generator, node.name), node) for node in of_class.body if isinstance(node, ast.FunctionDef)]
        self.assertGreaterEqual(len(pairs), 9)
        for found, stated in pairs:
            self.assertEqual(inspect.getdoc(found), ast.get_docstring(stated), stated.name)

    def test_the_notebook_runs(self):
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(NOTEBOOK, as_version=4)
        resources = {"metadata": {"path": str(NOTEBOOK.parent)}}
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources).execute()
        nbformat.write(notebook, EXECUTED)
        pictures = sum("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
        self.assertGreaterEqual(pictures, 3)


if __name__ == "__main__":
    os.environ["PYTHONWARNINGS"] = "ignore"
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(unittest.TestLoader().loadTestsFromModule(sys.modules["__main__"]))
    failed = len(result.failures) + len(result.errors)
    print(f"test result: {'FAILED' if failed else 'ok'}. {result.testsRun - failed} passed; {failed} failed; 0 ignored")
    sys.exit(bool(failed))
