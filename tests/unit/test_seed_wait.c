/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_wait.h"
#include "tests/unit/check.h"

TEST(seed_wait_holder_of_a_lock)
{
	static const char locks[] = "1: POSIX  ADVISORY  WRITE 700 fd:01:42 0 EOF\n"
				    "2: FLOCK  ADVISORY  WRITE 701 fd:01:420 0 EOF\n"
				    "3: OFDLCK ADVISORY  WRITE -1 00:18:42 0 EOF\n"
				    "4: FLOCK  ADVISORY  WRITE 4711 00:2f:42 0 EOF\n"
				    "4: -> FLOCK  ADVISORY  WRITE 4712 00:2f:42 0 EOF\n"
				    "5: FLOCK  ADVISORY  WRITE 0 00:2f:43 0 EOF\n";

	CHECK(seed_wait_holder(locks, 42) == 4711);
	CHECK(seed_wait_holder(locks, 420) == 701);
	CHECK(!seed_wait_holder(locks, 43) && !seed_wait_holder(locks, 7));
	CHECK(!seed_wait_holder("", 42) && !seed_wait_holder("nonsense", 42) && !seed_wait_holder("1: FLOCK", 42));
}
