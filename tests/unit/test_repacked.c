/* SPDX-License-Identifier: Apache-2.0 */
/* A package packed anew says what it said before, to deb.h's reader and to dpkg-deb; and a damaged one is not packed. */
#include "builder/deb.h"
#include "builder/repacked.h"
#include "tests/unit/deb_maker.h"
