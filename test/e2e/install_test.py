"""What `cmake --install` makes can be moved: its compiler makes a working program, and find_package(NormForge) finds
library and headers."""
import os
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(Outside CXX)
set(CMAKE_CXX_STANDARD 20)
find_package(NormForge REQUIRED)
add_library(outside SHARED outside.cpp)
target_include_directories(outside SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_link_libraries(outside PRIVATE NormForge::NormForge)
"""
SOURCE = """#include "dialect/NF.h"
#include "passes/Passes.h"
void registerAll(mlir::DialectRegistry &registry) {
  registry.insert<nf::NFDialect>();
  nf::registerPasses();
}
"""


def run(*arguments):
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        first, cls.prefix = os.path.join(cls.folder.name, "first"), os.path.join(cls.folder.name, "moved")
        run("cmake", "--install", os.path.join(ROOT, "build"), "--prefix", first)
        shutil.move(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_compiler_makes_a_program(self):
        program = os.path.join(self.folder.name, "model")
        run(os.path.join(self.prefix, "bin", "nf-compile"),
            os.path.join(self.prefix, "share", "normforge", "models", "preln-demo.toml"), "-o", program)
        self.assertIn("preln-demo", run(program, "info"))
        libraries = {line.split()[0].split(".so")[0] for line in run("ldd", program).splitlines() if "=>" in line}
        self.assertLessEqual(libraries, {"libc", "libm", "libstdc++", "libgcc_s"})

    def test_find_package(self):
        source = os.path.join(self.folder.name, "outside")
        os.mkdir(source)
        for name, text in (("CMakeLists.txt", PROJECT), ("outside.cpp", SOURCE)):
            with open(os.path.join(source, name), "w") as file:
                file.write(text)
        run("cmake", "-S", source, "-B", source + "/build", "-G", "Ninja", "-DCMAKE_CXX_COMPILER=clang++-22",
            f"-DCMAKE_PREFIX_PATH={self.prefix};/usr/lib/llvm-22")
        run("cmake", "--build", source + "/build")


if __name__ == "__main__":
    unittest.main()
