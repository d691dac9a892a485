# How lit runs the tests of compiler tools: *.mlir files with RUN lines.
import os

import lit.formats

config.name = "NormForge"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["plugin", "Inputs"]  # the plugin runs its test itself, see test/e2e/install_test.py
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.nf_test_output
config.environment["PATH"] = os.pathsep.join(
    [config.nf_tools_dir, config.llvm_tools_dir, config.environment["PATH"]])
config.substitutions.append(("%models", os.path.join(config.test_source_root, "..", "models")))
