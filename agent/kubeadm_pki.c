/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm_pki.h"

#include <stddef.h>
#include <string.h>

#include "lib/alloc.h"
#include "lib/base64.h"
#include "lib/certificate.h"
#include "lib/clock.h"
#include "lib/ec_key.h"
#include "lib/file.h"
#include "lib/json.h"

#define DIRECTORY "/etc/kubernetes/pki/"
#define NAME "cluster"
#define USER "node"

/* The CAs' certificates come after their keys: kubeadm takes a CA without a key for one that it must not use. */
static const struct pki_file {
	const char *name;
	size_t offset; /* in struct node_pki */
	bool is_key;
} files[] = {
	{ "ca.key", offsetof(struct node_pki, ca_key), true },
	{ "ca.crt", offsetof(struct node_pki, ca), false },
	{ "front-proxy-ca.key", offsetof(struct node_pki, front_proxy_ca_key), true },
	{ "front-proxy-ca.crt", offsetof(struct node_pki, front_proxy_ca), false },
	{ "etcd/ca.key", offsetof(struct node_pki, etcd_ca_key), true },
	{ "etcd/ca.crt", offsetof(struct node_pki, etcd_ca), false },
	{ "sa.key", offsetof(struct node_pki, service_account_key), true },
	{ "sa.pub", offsetof(struct node_pki, service_account_public_key), false },
};

bool kubeadm_pki_given(const struct node_config *node)
{
	return node->pki.ca != NULL;
}

static int write_file(const char *root, const struct pki_file *f, const char *value, struct error *err)
{
	CLEANUP(free_p) char *path = xasprintf("%s" DIRECTORY "%s", root, f->name);
	CLEANUP(free_p) char *directory = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	CLEANUP(text_wipe_done) struct text pem = { 0 };

	if (f->is_key)
		ec_key_pem(value, &pem);
	else
		text_add(&pem, value);
	int rc = dir_make(AT_FDCWD, directory, 0755, err);
	if (rc == 0)
		rc = file_write_durable(path, pem.data, pem.len, f->is_key ? 0600 : 0644, err);
	return rc;
}

int kubeadm_pki_write(const struct kubeadm_run *run, const char *root, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(files) && run->control_plane; i++) {
		const char *value = *(char *const *)((const char *)&run->node->pki + files[i].offset);
		if (value && write_file(root, &files[i], value, err) < 0)
			return -1;
	}
	return 0;
}

int kubeadm_pki_check(const struct kubeadm_run *run, struct error *err)
{
	const char *certificate = run->node->pki.certificate;
	char certificate_text[CLOCK_TEXT_MAX], now_text[CLOCK_TEXT_MAX];
	time_t from, until, now = time(NULL);

	if (!certificate_dates(certificate, strlen(certificate), &from, &until))
		return error_set(err, ERROR_INPUT,
				 "pki.certificate is not a complete certificate; make the node's seed again");
	if (now < from)
		return error_set(
			err, ERROR_HOST,
			"the certificate in this node's seed begins at %s, and this guest's clock says %s; its clock "
			"is behind: set it, or have it set by NTP, on the host of a container",
			clock_text(from, certificate_text), clock_text(now, now_text));
	if (now <= until)
		return 0;
	return error_set(
		err, ERROR_INPUT,
		"the certificate in this node's seed expired at %s, and it is %s; make the seed again and start the "
		"guest from it",
		clock_text(until, certificate_text), clock_text(now, now_text));
}

static void put_base64(struct json *object, const char *key, const char *text)
{
	CLEANUP(text_wipe_done) struct text encoded = { 0 };

	base64_encode(text, strlen(text), &encoded);
	json_put_string(object, key, encoded.data);
}

/* [{"name": NAME, KEY: VALUE}] */
static struct json *named(const char *name, const char *key, struct json *value)
{
	struct json *list = json_array(), *entry = json_object();

	json_put_string(entry, "name", name);
	json_put(entry, key, value);
	json_push(list, entry);
	return list;
}

static struct json *user_json(const struct node_pki *pki)
{
	struct json *user = json_object();
	CLEANUP(text_wipe_done) struct text pem = { 0 };

	ec_key_pem(pki->key, &pem);
	put_base64(user, "client-certificate-data", pki->certificate);
	put_base64(user, "client-key-data", pem.data);
	return user;
}

void kubeadm_pki_discovery(const struct kubeadm_run *run, struct text *ret)
{
	CLEANUP(json_free_p) struct json *config = json_object();
	struct json *cluster = json_object(), *context = json_object();

	json_put_stringf(cluster, "server", "https://%s", run->endpoint);
	put_base64(cluster, "certificate-authority-data", run->node->pki.ca);
	json_put_string(context, "cluster", NAME);
	json_put_string(context, "user", USER);
	json_put_string(config, "apiVersion", "v1");
	json_put_string(config, "kind", "Config");
	json_put(config, "clusters", named(NAME, "cluster", cluster));
	json_put(config, "users", named(USER, "user", user_json(&run->node->pki)));
	json_put(config, "contexts", named(NAME, "context", context));
	json_put_string(config, "current-context", NAME);
	json_print(config, true, ret);
}
