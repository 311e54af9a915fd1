/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed.h"
#include "tests/unit/fake_root.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVl3p2l me@x"

TEST(seed_user_data_hostname_and_keys)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct seed seed = { .hostname = "node-1.lab" };
	struct error err = { 0 };

	strings_add(&seed.keys, KEY);
	strings_add(&seed.keys, "ssh-rsa AAAA \"quoted\": comment");
	int rc = seed_user_data(&seed, &text, &err);
	strings_done(&seed.keys);
	CHECK(rc == 0);
	CHECK_STR(text.data, "#cloud-config\n"
			     "hostname: \"node-1.lab\"\n"
			     "manage_etc_hosts: true\n"
			     "users: [default]\n"
			     "ssh_authorized_keys:\n"
			     "- \"" KEY "\"\n"
			     "- \"ssh-rsa AAAA \\\"quoted\\\": comment\"\n");
}

TEST(seed_user_data_empty)
{
	CLEANUP(text_done) struct text user = { 0 };
	CLEANUP(text_done) struct text meta = { 0 };
	struct seed seed = { .instance_id = "i-1" };
	struct error err = { 0 };

	CHECK(seed_user_data(&seed, &user, &err) == 0 && seed_meta_data(&seed, &meta, &err) == 0);
	CHECK_STR(user.data, "#cloud-config\nusers: [default]\n");
	CHECK_STR(meta.data, "instance-id: \"i-1\"\n");
}

TEST(seed_user_data_refuses_bad_names)
{
	static const char *const bad[] = {
		"",     "-a",   "a-",        "a.-b", "a-.b",
		".a",   "a..b", "a.",        "a b",  "a_b",
		"a\nb", "a: b", "h\xc3\xa9", "a\"b", "0123456789012345678901234567890123456789012345678901234567890123"
	};
	static const char *const good[] = {
		"a", "9", "a-b", "a.b.c", "A1-2.b3", "012345678901234567890123456789012345678901234567890123456789012"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad) + ARRAY_SIZE(good); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		bool is_bad = i < ARRAY_SIZE(bad);
		struct seed seed = { .hostname = is_bad ? bad[i] : good[i - ARRAY_SIZE(bad)] };
		struct error err = { 0 };
		CHECK((seed_user_data(&seed, &text, &err) < 0) == is_bad);
		CHECK(!is_bad || err.class == ERROR_USAGE);
	}
}

TEST(seed_user_data_refuses_bad_keys)
{
	static const char *const bad[] = { "nonsense", "ssh-rsa AAAA\nroot: pw", "ssh-rsa \x01" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CLEANUP(text_done) struct text text = { 0 };
		struct seed seed = { 0 };
		struct error err = { 0 };
		strings_add(&seed.keys, bad[i]);
		int rc = seed_user_data(&seed, &text, &err);
		strings_done(&seed.keys);
		CHECK(rc < 0 && err.class == ERROR_USAGE);
	}
}

TEST(seed_meta_data_needs_an_instance_id)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	CHECK(seed_meta_data(&(struct seed){ 0 }, &text, &err) < 0);
}

/* Prints its arguments and the files that it would put into the ISO: modes and contents. */
#define FAKE_ISO                                                                                                       \
	"echo \"$@\"\n"                                                                                                \
	"for a in \"$@\"; do case $a in *=*) echo \"${a%%=*} $(stat -L -c %a \"${a#*=}\")\"; cat \"${a#*=}\";; esac; " \
	"done"

TEST(seed_iso_of_generated_files)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text iso = { 0 };
	struct seed seed = { .instance_id = "i-1", .user_data = "#cloud-config\n", .network_config = "version: 1\n" };

	fake_program(path, "genisoimage", FAKE_ISO);
	CHECK(seed_iso(&seed, &iso, &err) == 0);
	CHECK(text_starts(iso.data, "-quiet -V cidata -J -R -uid 0 -gid 0 -f -graft-points user-data=/proc/self/fd/"));
	CHECK(strstr(iso.data, "\nuser-data 400\n#cloud-config\n"));
	CHECK(strstr(iso.data, "\nmeta-data 400\ninstance-id: \"i-1\"\n"));
	CHECK(strstr(iso.data, "\nnetwork-config 400\nversion: 1\n"));
	FAKE_ROOT_END();
}

TEST(seed_iso_of_a_directory)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text iso = { 0 };
	struct seed seed = { .directory = path };

	fake_program(path, "genisoimage", FAKE_ISO);
	fake_put(path, "/user-data", "#cloud-config\n");
	CHECK(seed_iso(&seed, &iso, &err) < 0 &&
	      strstr(err.text, "meta-data is missing; cloud-init takes a seed only"));
	fake_put(path, "/meta-data", "instance-id: i-2\n");
	fake_put(path, "/vendor-data", "#cloud-config\n");
	CHECK(seed_iso(&seed, &iso, &err) == 0);
	CHECK(strstr(iso.data, "instance-id: i-2\n") && strstr(iso.data, "vendor-data=") &&
	      !strstr(iso.data, "network-config="));
	FAKE_ROOT_END();
}

TEST(seed_iso_reports_a_failed_program)
{
	FAKE_ROOT();
	CLEANUP(text_done) struct text iso = { 0 };
	struct seed seed = { .instance_id = "i-1" };

	fake_program(path, "genisoimage", "exit 3");
	CHECK(seed_iso(&seed, &iso, &err) < 0 && strstr(err.text, "genisoimage"));
	FAKE_ROOT_END();
}

TEST(seed_read_keys_skips_comments)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/keys", path);
	CLEANUP(strings_done) struct strings keys = { 0 };

	fake_put(path, "/keys", "# mine\n\n  " KEY "  \nssh-rsa AAAA other\n");
	CHECK(seed_read_keys(file, &keys, &err) == 0 && keys.n == 2);
	CHECK_STR(keys.at[0], KEY);
	CHECK_STR(keys.at[1], "ssh-rsa AAAA other");
	fake_put(path, "/keys", "# nothing\n");
	CHECK(seed_read_keys(file, &keys, &err) < 0 && strstr(err.text, "contains no ssh public key"));
	CHECK(err.class == ERROR_USAGE);
	FAKE_ROOT_END();
}
