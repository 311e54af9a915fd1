/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * apt-get and apt-cache as shell scripts, first in PATH. Each package that is asked for exists in version 1.0, and depends on
 * nothing; `clash` comes with another version of bash. Each call is a line of $root/log; `update` fetches $root/release.
 */
#include "tests/unit/fake_root.h"

#define FAKE_APT_SHA256 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* The files of the source packages curl and kubernetes are in $root, unless there is $root/gone-FILE; $root/no-source: no index has the package. */
static const char fake_apt_get[] =
	"echo \"apt-get $*\" >>$root/log\n"
	"print() { echo \"'http://m.example/debian/pool/$1' $1 100 SHA256:" FAKE_APT_SHA256 "\"; }\n"
	"case \"$*\" in\n"
	"indextargets*) cat $root/targets; exit;;\n"
	"*update)\n"
	"	[ -e $root/release ] || { echo 'E: Failed to fetch http://m.example/InRelease' >&2; exit 100; }\n"
	"	cp $root/release ${APT_CONFIG%/apt.conf}/var/lib/apt/lists/m.example_InRelease; exit;;\n"
	"*' source '*)\n"
	"	[ -e $root/no-source ] && { echo 'E: Unable to find a source package for curl' >&2; exit 100; }\n"
	"	files='curl_7.88-1.dsc curl_7.88.orig.tar.gz'\n"
	"	case \"$*\" in *' kubernetes'*) files=kubernetes_1.20.5+really1.20.2-1.dsc; esac\n"
	"	for f in $files; do\n"
	"		url=file://$root/$f\n"
	"		echo $f >$root/$f; sum=$(sha256sum $root/$f)\n"
	"		[ ! -e $root/gone-$f ] || rm $root/$f\n"
	"		echo \"'$url' $f $((${#f} + 1)) SHA256:${sum%% *}\"\n"
	"	done; exit;;\n"
	"esac\n"
	"status=/dev/null\n"
	"for a; do case $a in -oDir::State::status=*) status=${a#*status=};; esac; done\n"
	"while [ \"$1\" != -- ]; do shift; done; shift\n"
	"for p; do\n"
	"	name=${p%%=*}; name=${name#\\?}\n"
	"	[ $name = missing ] && { echo 'E: Unable to locate package missing' >&2; exit 100; }\n"
	"	[ $name = clash ] && print bash_2.0_amd64.deb\n"
	"	grep -q \"^Package: $name\\$\" $status || print ${name}_1.0_amd64.deb\n"
	"done\n";

static const char fake_apt_cache[] =
	"echo \"apt-cache $*\" >>$root/log\n"
	"case $1 in gencaches) exit;; madison) echo 'bash | 1.0 | http://m.example bookworm/main'; exit;; esac\n"
	"shift 3\n"
	"for p; do\n"
	"	printf 'Package: %s\\nVersion: %s\\nArchitecture: amd64\\nInstalled-Size: 3\\n\\n' ${p%%=*} ${p#*=}\n"
	"done\n";

UNUSED static void fake_apt(const char *root)
{
	fake_put(root, "/release", "one");
	fake_put(root, "/keyring.gpg", "key");
	fake_put(root, "/log", "");
	fake_program(root, "apt-get", fake_apt_get);
	fake_program(root, "apt-cache", fake_apt_cache);
}

/* How many calls contain the text. */
UNUSED static int fake_apt_calls(const char *root, const char *text)
{
	CLEANUP(free_p) char *log = fake_get(root, "/log");
	int n = 0;

	for (const char *at = log; at && (at = strstr(at, text)); at++)
		n++;
	return n;
}
