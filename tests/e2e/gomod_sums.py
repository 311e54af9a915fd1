#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Locks of Go modules with a checksum database of the test's own (GOSUMDB="KEY URL"): it confirms what a mirror serves, and a zip or go.mod
that differs from its answer is refused with module, version and proxy; so is a database whose signature or log is wrong."""
import shutil
import sys

from gomod import WRONG, World, Yard, changed_mod, failed, lock_problems, make_mirror, other_zip, refused
from harness.build_env import TRUST, Check, private_cache, require_root, work_directory
from harness.sum_database import Signer, SumDatabase

EXTRA, DATABASE = "example.org/extra@v1.0.0", "do not trust this database of checksums"
DO_NOT_TRUST = "do not trust this proxy: GOPROXY is {mirror}"


def use(world, database, **settings):
    world.setting(GOSUMDB=database.setting, **settings)
    world.prefix = ()  # the database is on the host's loopback


def confirmed(directory, yard, database):
    """The lock is the one that was made without it, and every module in it was looked up."""
    world = World(directory, yard)
    use(world, database)
    world.yard.lock.unlink()
    done = world.yard.run(world.yard.lock_argv())
    if done.returncode:
        return failed(done)
    problems = lock_problems(world.yard) + ([] if world.yard.lock.read_bytes() == yard.lock.read_bytes() else ["the lock is another one"])
    wanted = ("extra@v1.0.0", "fork@v1.1.0", "shelf@v0.4.2", "shop@v1.4.2", "%21till@v1.3.0")
    asked = [path.replace("!", "%21") for path in database.asked]
    return problems + [f"{name} was not looked up: {asked}" for name in wanted if f"/lookup/example.org/{name}" not in asked]


def not_asked(directory, yard, database):
    """What GONOSUMDB names is taken from the proxy as it is."""
    world = World(directory, yard)
    use(world, database, GONOSUMDB="example.org")
    database.asked.clear()
    done = world.yard.run(world.yard.lock_argv())
    return failed(done) + [f"{path} was asked for" for path in database.asked if path.startswith("/lookup/")]


class Liar(SumDatabase):
    """Sends a record that is not in its log."""

    def printed(self, module):
        return super().printed(module).replace(self.records[module].split()[2], WRONG)


class Impostor(SumDatabase):
    """Signs with another key than the user has."""

    def head(self):
        mine = self.signer
        self.signer = self.other
        try:
            return super().head()
        finally:
            self.signer = mine


def main():
    require_root()
    check, work, databases = Check(), work_directory(), []
    try:
        yard = Yard(work / "kiln", private_cache(work), make_mirror(work / "mirror"))
        check("locked without a database", failed(yard.run(yard.lock_argv())))
        for kind in (SumDatabase, Liar, Impostor):
            (work / kind.__name__).mkdir()
            databases.append(kind(work / kind.__name__, yard.mirror))
        honest, liar, impostor = databases
        (work / "other").mkdir()
        impostor.other = Signer(work / "other")
        check("the database confirms a lock", confirmed(work / "confirmed", yard, honest))
        check("a module of GONOSUMDB is not looked up", not_asked(work / "not-asked", yard, honest))
        for name, database, spoil, *words in (
                ("another zip than the database's", honest, other_zip, f"{EXTRA}: verifying module: checksum mismatch", DO_NOT_TRUST),
                ("another go.mod than the database's", honest, changed_mod, f"{EXTRA}: verifying go.mod: checksum mismatch", DO_NOT_TRUST),
                ("a record that is not in the log", liar, lambda world: None, "example.org/", "cannot authenticate record data", DATABASE),
                ("a log that another key has signed", impostor, lambda world: None, "example.org/", "reading tree note", DATABASE)):
            def prepare(world, database=database, spoil=spoil):
                use(world, database)
                spoil(world)
            check(name, refused(work / name.replace(" ", "-").replace("'", ""), yard, "lock", prepare, TRUST, *words))
    finally:
        for database in databases:
            database.close()
        shutil.rmtree(work, ignore_errors=True)
    return 1 if check.failed else 0


if __name__ == "__main__":
    sys.exit(main())
