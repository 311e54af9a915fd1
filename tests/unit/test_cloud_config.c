/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/cloud_config.h"

#include "lib/cloud_keys.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define IMAGE "rootfs-overlays/vm/etc/cloud/cloud.cfg.d/90_nodekiln.cfg"

static struct yaml *parse(const char *text)
{
	struct yaml *tree = NULL;
	struct error err = { 0 };

	if (yaml_parse_cloud_config("x", text, strlen(text), &tree, &err) < 0)
		printf("# %s\n", err.text);
	return tree;
}

static bool read_image(struct cloud_modules *ret)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };

	if (file_read(AT_FDCWD, IMAGE, 1 << 20, &text, &err) < 0)
		return false;
	CLEANUP(yaml_node_free_p) struct yaml *tree = parse(text.data);
	if (tree)
		cloud_modules_read(tree, ret);
	return tree != NULL;
}

/* Keys with a mark: - not carried out, ? unknown, ! harmful. */
static char *check(const char *config, const struct cloud_modules *modules)
{
	CLEANUP(yaml_node_free_p) struct yaml *tree = parse(config);
	CLEANUP(cloud_findings_done) struct cloud_findings found = { 0 };
	CLEANUP(text_done) struct text all = { 0 };

	text_add(&all, "");
	cloud_config_check(tree, modules, &found);
	for (size_t i = 0; i < found.list.n; i++)
		text_addf(&all, "%s%c%s", i ? " " : "", "-?!"[found.list.at[i].fault], found.list.at[i].at->key);
	return text_take(&all);
}

/* shared/cases/field/cloudinit-ignored-keys, and all other keys: by the list of modules of our images. */
TEST(cloud_config_of_our_images)
{
	static const char *const cases[][2] = {
		{ "packages: [nfs-common]\napt: {proxy: \"http://192.0.2.9:3142\"}\nlocale: de_DE.UTF-8\n"
		  "growpart: {mode: auto}\nphone_home: {url: \"http://192.0.2.2/\"}\nswap: {filename: /swap.img, size: "
		  "1G}\n",
		  "-packages -apt -locale -growpart -phone_home !swap" },
		{ "package_upgrade: true\npackage_update: true\nssh_import_id: [gh:x]\nkeyboard: {layout: de}\nsnap: "
		  "{}\n"
		  "resize_rootfs: true\nrsyslog: {remotes: {a: b}}\nwireguard: {x: y}\nansible: {x: y}\n",
		  "-package_upgrade -package_update -ssh_import_id -keyboard -resize_rootfs -rsyslog -wireguard "
		  "-ansible" },
		{ "package_upgrade: false\napt_update: no\npackages: []\nlocale: ~\nswap: {}\n", "" },
		{ "package_upgrade: \"false\"\n", "-package_upgrade" },
		{ "hostname: a\nusers: [default]\nssh_authorized_keys: [x]\nwrite_files: [{path: /x}]\nruncmd: "
		  "[x]\nbootcmd: [x]\n"
		  "mounts: [[a, b]]\nntp: {enabled: true}\ntimezone: UTC\nca-certs: {trusted: [x]}\nca_certs: "
		  "{trusted: [x]}\n"
		  "chpasswd: {list: x}\nssh_pwauth: true\ndisk_setup: {x: y}\nfs_setup: [x]\npower_state: {mode: "
		  "reboot}\n"
		  "final_message: x\nfqdn: a.b\nmanage_etc_hosts: true\ngroups: [x]\nmerge_how: x\noutput: {all: x}\n",
		  "" },
		{ "write_file: [{path: /x}]\nrunCmd: [x]\nnodekiln: {role: init}\n", "?write_file ?runCmd ?nodekiln" },
		/* a user's own lists of modules */
		{ "cloud_final_modules: [package_update_upgrade_install, [scripts-user, always], {name: "
		  "cc_phone_home}]\n"
		  "packages: [x]\nphone_home: {url: x}\nlocale: x\n",
		  "-packages -phone_home -locale" },
	};
	CLEANUP(cloud_modules_done) struct cloud_modules image = { 0 };

	CHECK(read_image(&image) && image.known);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(free_p) char *found = check(cases[i][0], &image);
		CHECK_STR(found, cases[i][1]);
	}
	CLEANUP(yaml_node_free_p) struct yaml *own = parse(cases[6][0]);
	cloud_modules_read(own, &image);
	CLEANUP(free_p) char *found = check(cases[6][0], &image);
	CHECK_STR(found, "-locale");
}

/* A module that our images name and no key has: its keys would be reported as not carried out. */
TEST(cloud_config_knows_the_modules_of_our_images)
{
	/* these have no key, or one of another module */
	static const char *const keyless[] = { "update-hostname",  "update-etc-hosts", "write-files-deferred",
					       "scripts-per-once", "scripts-per-boot", "scripts-per-instance",
					       "scripts-user" };
	CLEANUP(cloud_modules_done) struct cloud_modules image = { 0 };

	CHECK(read_image(&image));
	for (size_t s = 0; s < CLOUD_STAGES; s++)
		for (size_t i = 0; i < image.stage[s].n; i++) {
			const char *module = image.stage[s].at[i];
			bool known = false;
			for (const struct cloud_key *k = cloud_keys; k->name; k++)
				known |= k->module && !strcmp(k->module, module);
			for (size_t k = 0; k < ARRAY_SIZE(keyless); k++)
				known |= !strcmp(keyless[k], module);
			CHECK_STR(known ? "" : module, "");
		}
}

TEST(cloud_config_sentences)
{
	static const char *const sentences[] = {
		"'growpart' is not carried out by cloud-init in these images: the root file system grows to the size "
		"of its disk "
		"without it",
		"'snap' is not carried out by cloud-init in these images",
		"'runcmds' is no key of cloud-init, and does nothing; did you mean runcmd?",
		"'swap' hinders a node: kubelet does not start where there is swap",
	};
	CLEANUP(yaml_node_free_p)
	struct yaml *tree = parse("growpart: {mode: auto}\nsnap: {x: y}\nruncmds: [x]\nswap: {size: 1}\n");
	CLEANUP(cloud_modules_done) struct cloud_modules image = { 0 };
	CLEANUP(cloud_findings_done) struct cloud_findings found = { 0 };

	CHECK(read_image(&image));
	cloud_config_check(tree, &image, &found);
	CHECK(found.list.n == ARRAY_SIZE(sentences));
	for (size_t i = 0; i < found.list.n; i++) {
		CLEANUP(text_done) struct text text = { 0 };
		cloud_finding_text(&found.list.at[i], &text);
		CHECK_STR(text.data, sentences[i]);
	}
}
