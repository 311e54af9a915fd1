/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_user_data.h"

#include "tests/unit/check.h"

#define IMAGE "rootfs-overlays/vm/etc/cloud/cloud.cfg.d/90_nodekiln.cfg"
#define DEFAULT_KEYS                                                                                                   \
	"mine.yaml:2: ssh keys that are given for the node (--ssh-key, ssh_authorized_keys) are those of the default " \
	"user, which 'users' leaves out; add `default` to it, or give the keys to a user\n"
#define NO_LOGIN(line, name)                                                                                           \
	"mine.yaml:" line ": user '" name "' cannot log in: it has neither ssh_authorized_keys nor a password with "   \
	"lock_passwd: false\n"
#define NONE "no user can log in to this node: it has neither an ssh key (--ssh-key) nor a password\n"

TEST(seed_user_data_names_what_a_node_does_not_do)
{
	static const struct {
		const char *config; /* without its first line */
		bool keys;
		const char *says;
	} cases[] = {
		{ NULL, true, "" },
		{ NULL, false, NONE },
		{ "timezone: UTC\n", false, NONE },
		{ "timezone: UTC\n", true, "" },
		{ "ssh_authorized_keys: [ssh-rsa x]\n", false, "" },
		{ "chpasswd: {list: x}\n", false, "" },
		{ "users: [default, {name: a, ssh_authorized_keys: [x]}]\n", true, "" },
		{ "users: [default]\n", true, "" },
		{ "users: [{name: a, ssh_authorized_keys: [x]}]\n", true, DEFAULT_KEYS },
		{ "users: [{name: a, ssh_authorized_keys: [x]}]\nssh_authorized_keys: [y]\n", false, DEFAULT_KEYS },
		{ "users: [{name: a, ssh_authorized_keys: [x]}]\n", false, "" },
		{ "users:\n- default\n- name: a\n  sudo: ALL\n", true, NO_LOGIN("4", "a") },
		{ "users:\n- default\n- {name: a, passwd: x}\n", true, NO_LOGIN("4", "a") },
		{ "users:\n- default\n- {name: a, passwd: x, lock_passwd: false}\n", true, "" },
		{ "users:\n- default\n- {name: a}\nchpasswd: {list: x}\n", true, "" },
		{ "users:\n- default\n- {name: a, system: true}\n- {name: b, shell: /usr/sbin/nologin}\n", true, "" },
		{ "packages: [x]\n", true,
		  "mine.yaml:2: 'packages' is not carried out by cloud-init in these images: put packages into the "
		  "image "
		  "(packages.extra of its recipe); docs/join.md says how a running node gets security updates\n" },
		/* the file has its own list of modules */
		{ "cloud_final_modules: [package-update-upgrade-install]\npackages: [x]\n", true, "" },
		{ "a: &x 1\n", true, "" }, /* refused elsewhere */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(text_done) struct text config = { 0 }, says = { 0 };
		CLEANUP(strings_done) struct strings found = { 0 };
		struct error err = { 0 };
		struct seed_user_data given = { cases[i].config ? "mine.yaml" : NULL, &config, IMAGE, cases[i].keys };

		text_addf(&config, "#cloud-config\n%s", cases[i].config ? cases[i].config : "");
		CHECK(seed_user_data_check(&given, &found, &err) == 0);
		text_add(&says, "");
		for (size_t k = 0; k < found.n; k++)
			text_addf(&says, "%s\n", found.at[k]);
		CHECK_STR(says.data, cases[i].says);
	}
}
