/* SPDX-License-Identifier: Apache-2.0 */
/* Which files `seed` and `deploy` replace or remove: only a kubeconfig of this cluster alone. */
#include "builder/seed/seed_kubeconfig.h"

#include "tests/unit/fake_root.h"

#define SERVER "10.0.0.1:6443"

static bool replaced(const char *file, const struct node_pki *pki, bool force)
{
	struct error err = { 0 };

	return seed_kubeconfig_check(file, pki, "lab", force, &err) == 0;
}

/* An error that says what to do, with --force as without. */
static bool refused(const char *file, const struct node_pki *pki)
{
	struct error err = { 0 };

	return !replaced(file, pki, false) && seed_kubeconfig_check(file, pki, "lab", true, &err) < 0 &&
	       err.class == ERROR_USAGE && strstr(err.text, "is not the kubeconfig of this cluster alone; remove it");
}

static bool write_text(const char *file, const char *content)
{
	struct error err = { 0 };

	return file_write(AT_FDCWD, file, content, strlen(content), 0600, &err) == 0;
}

TEST(seed_kubeconfig_replaces_only_its_own)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *file = xasprintf("%s/a/k", path);
	CLEANUP(node_pki_done) struct node_pki pki = { 0 }, other = { 0 };
	CLEANUP(text_done) struct text text = { 0 };
	enum pki_kubeconfig kind;

	CHECK(pki_make(&pki, &err) == 0 && pki_make(&other, &err) == 0);
	CHECK(!seed_kubeconfig_look(file, &pki, "lab", &kind) && replaced(file, &pki, false));
	CHECK(seed_kubeconfig_write(file, &pki, "lab", SERVER, &err) == 0);
	CHECK(seed_kubeconfig_look(file, &pki, "lab", &kind) && kind == PKI_KUBECONFIG_GOOD);
	CHECK(replaced(file, &pki, false));

	/* another cluster of this name */
	CHECK(seed_kubeconfig_check(file, &other, "lab", false, &err) < 0 && err.class == ERROR_USAGE);
	CHECK(strstr(err.text, "of another cluster lab; name another file, or replace it (--force)"));
	CHECK(replaced(file, &other, true));

	/* the user's own, with another cluster */
	CHECK(file_read(AT_FDCWD, file, 1 << 20, &text, &err) == 0);
	char *users = strstr(text.data, "users:\n");
	CHECK(users);
	CLEANUP(free_p)
	char *merged = xasprintf("%.*s- {name: mine, cluster: {server: \"https://10.0.0.9:6443\"}}\n%s",
				 (int)(users - text.data), text.data, users);
	CHECK(write_text(file, merged) && refused(file, &pki));
	CHECK(seed_kubeconfig_look(file, &pki, "lab", &kind) && kind == PKI_KUBECONFIG_FOREIGN);

	CHECK(write_text(file, "") && replaced(file, &pki, false));
	CHECK(write_text(file, "a: [") && refused(file, &pki));
	CHECK(refused(path, &pki));
	FAKE_ROOT_END();
}
