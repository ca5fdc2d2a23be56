"""A copy of the source with its own build: everything pure in one shared library, so that after a change one file is
compiled, the library linked, and the test programs run as they are.

-O1, without sanitizers and warnings: what counts is how soon a test fails.
"""
import glob
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

KINDS = ["unit", "machine", "conformance", "sim"]
FLAGS = ["-std=gnu17", "-Ddata_start=machine_data_start", "-O1", "-g0", "-w", "-fPIC", "-ffp-contract=off", "-fno-strict-aliasing", "-fno-semantic-interposition",
         "-Ifakes", "-Isim", "-Itests"]
LIBRARIES = ["-lyaml", "-ljansson"]
TIMES, SECONDS, MEMORY = 10, 5, 3 << 30  # an endless loop: so many times as long as before, and so long more; or so much memory


def compiler(is_kept):
    """is_kept: worth a place in the cache"""
    return (["ccache"] if is_kept and shutil.which("ccache") else []) + [os.environ.get("CC", "gcc")]


class Failed(Exception):
    pass


class Bench:
    def __init__(self, root, folder, jobs, stopped):
        self.root, self.folder, self.jobs, self.stopped = root, folder, jobs, stopped
        self.source, self.build = f"{folder}/source", f"{folder}/build"
        self.environment = {**os.environ, "CCACHE_BASEDIR": folder, "CCACHE_NOHASHDIR": "1"}
        self.environment.pop("UPDATE_GOLDEN", None)
        self.tests, self.seconds = {}, {}

    # ---- the unchanged build ----

    def copy(self):
        for name in ("fakes", "sim", "tests", "scenarios", "docs"):
            shutil.copytree(f"{self.root}/{name}", f"{self.source}/{name}", symlinks=True)

    def sources(self):
        paths = [os.path.relpath(p, self.source) for folder in ("fakes", "sim", "tests/support")
                 for p in sorted(glob.glob(f"{self.source}/{folder}/**/*.c", recursive=True))]
        return [p for p in paths if not re.match(r"fakes/live/|sim/(main\.c|cli/|bench/live_)", p)]

    def object_of(self, path):
        return f"{self.build}/{path.replace('/', '+')}.o"

    def call(self, *command):
        """Low priority. -> return code, output"""
        if self.stopped.is_set():
            return 1, "stopped"
        done = subprocess.run(["nice", "-n", "5", *command], cwd=self.source, env=self.environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def compile(self, path, into, source=None):
        """source: in place of the copy's own, found first by its includes; no path of it gets into the code"""
        source = source and os.path.relpath(source, self.source)
        where = [f'-DTEST_SOURCE_DIR="{self.source}"'] if path.startswith("tests/") else []
        quick = ["-O0"] if path.startswith("tests/") and "/support/" not in path else []
        own = source is not None and os.path.exists(f"{self.source}/{source}/{path}")
        first = [f"-I{source}/fakes", f"-ffile-prefix-map={source}/="] if source else []
        return self.call(*compiler(source is None), *first, *FLAGS, *quick, *where, "-MMD", "-MF", into + ".d", "-c",
                         f"{source}/{path}" if own else path, "-o", into)

    def must(self, result):
        if result[0] != 0:
            raise Failed(result[1][-2000:])

    def build_all(self):
        os.makedirs(self.build)
        tests = [os.path.relpath(p, self.source) for kind in KINDS for p in sorted(glob.glob(f"{self.source}/tests/{kind}/test_*.c"))]
        with ThreadPoolExecutor(self.jobs) as pool:
            for result in pool.map(lambda p: self.compile(p, self.object_of(p)), self.sources() + tests):
                self.must(result)
            self.must(self.link(self.build, {}))
            for result in pool.map(self.link_test, tests):
                self.must(result)

    def link(self, into, changed):
        """changed: path -> object in place of the build's"""
        with open(f"{into}/objects", "w", encoding="utf-8") as file:
            file.write("\n".join(changed.get(p, self.object_of(p)) for p in self.sources()))
        return self.call("gcc", "-shared", "-Wl,-Bsymbolic", "-o", f"{into}/libmachines.so", f"@{into}/objects", *LIBRARIES, "-lcmocka")

    def link_test(self, path):
        name = f'{path.split("/")[1]}.{os.path.basename(path)[len("test_"):-len(".c")]}'
        program = f"{self.build}/{name}"
        with open(f"{self.source}/{path}", encoding="utf-8") as file:
            self.tests[name] = (program, file.read())
        return self.call("gcc", "-o", program, self.object_of(path), f"-L{self.build}", "-lmachines", *LIBRARIES, "-lcmocka")

    def including(self, header):
        """Sources of the machines that include it, by what the compiler said."""
        found = []
        for path in self.sources():
            with open(self.object_of(path) + ".d", encoding="utf-8") as file:
                if header in file.read().replace("\\\n", " ").split():
                    found.append(path)
        return found

    # ---- tests ----

    def run(self, name, library, seconds):
        """-> why it failed, or None"""
        environment = {**self.environment, "LD_LIBRARY_PATH": library}
        process = subprocess.Popen(["nice", "-n", "5", self.tests[name][0]], cwd=self.source, env=environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))
        end, why, pause = time.monotonic() + seconds, None, 0.002
        while process.poll() is None and why is None:
            time.sleep(pause)
            pause = min(pause * 2, 0.1)
            if self.stopped.is_set():
                why = "stopped"
            elif time.monotonic() > end:
                why = "no end"
            elif self.resident(process.pid) > MEMORY:
                why = "memory"
        if why is not None:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has just ended by itself
            process.wait()
            return why
        return None if process.returncode == 0 else "failed"

    @staticmethod
    def resident(pid):
        try:
            with open(f"/proc/{pid}/statm", encoding="utf-8") as file:
                return int(file.read().split()[1]) * resource.getpagesize()
        except (OSError, IndexError):
            return 0

    def measure(self):
        """Times of the unchanged tests. -> names of those that fail, which are of no use here"""
        def one(name):
            start = time.monotonic()
            failed = self.run(name, self.build, 300)
            self.seconds[name] = time.monotonic() - start
            return name if failed else None
        with ThreadPoolExecutor(self.jobs) as pool:
            failing = [name for name in pool.map(one, sorted(self.tests)) if name]
        for name in failing:
            del self.tests[name]
        return failing

    def order(self, folder, first):
        """All tests: those in `first`, the component's own, the others; short ones first."""
        component = os.path.basename(folder)
        own = re.compile(rf'#include "(?:{component}/|(?:\w+_)?{component}(?:_\w+)?_?bed)')
        return sorted(self.tests, key=lambda n: (first.index(n) if n in first else len(first), not own.search(self.tests[n][1]), self.seconds[n]))
