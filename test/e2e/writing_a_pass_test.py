"""The commands of docs/writing-a-pass.md, in a home folder of their own: the plugin is built against an installed
NormForge, its test passes, and it runs on a model."""
import os
import re
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The tree is installed and built already: check.sh did it.
DONE = ("tools/setup.sh", "cmake --preset release")


def commands():
    with open(os.path.join(ROOT, "docs", "writing-a-pass.md")) as file:
        blocks = re.findall(r"```sh\n(.*?)```", file.read(), re.S)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith(DONE)]


class WritingAPass(unittest.TestCase):
    def test_commands(self):
        with tempfile.TemporaryDirectory() as home:
            outputs = {}
            for command in commands():
                result = subprocess.run(command, shell=True, cwd=ROOT, env=os.environ | {"HOME": home},
                                        capture_output=True, text=True)
                self.assertEqual(result.returncode, 0, f"{command}\n{result.stdout}{result.stderr}")
                outputs[command.split()[0]] = result.stdout
            self.assertIn("100% tests passed", outputs["ctest"])
            self.assertIn("preln-demo", outputs["~/demo"])


if __name__ == "__main__":
    unittest.main()
