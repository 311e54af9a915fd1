/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/seed/seed_secrets_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "builder/seed/pki.h"
#include "builder/seed/seed_files.h"
#include "lib/alloc.h"
#include "lib/file.h"
#include "lib/leftover.h"
#include "lib/log.h"
#include "lib/random.h"
#include "lib/redact.h"
#include "lib/text.h"
#include "lib/vec.h"
#include "lib/yaml.h"

#define SECRETS_MAX (1 << 20)
#define WORD "abcdefghijklmnopqrstuvwxyz0123456789"
#define HEX "0123456789abcdef"
#define TOKEN_ID 6 /* the format that Kubernetes requires: ID.SECRET */
#define TOKEN_SECRET 16

static const char header[] =
	"# The clusters' secrets, kept by `nodekiln seed --secrets`. Anyone who can read this file can join them.\n";

static int read_file(struct seed_secrets *secrets, struct error *err)
{
	CLEANUP(text_wipe_done) struct text text = { 0 };
	CLEANUP(yaml_node_free_p) struct yaml *tree = NULL;

	if (file_read(AT_FDCWD, secrets->file, SECRETS_MAX, &text, err) < 0)
		return -1;
	if (yaml_parse(secrets->file, text.data ? text.data : "", text.len, &tree, err) < 0 ||
	    seed_secrets_read_tree(tree, secrets, err) < 0) {
		redact_secrets(err->text);
		return -1;
	}
	return 0;
}

static bool is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Waits for a lock, and opens the file again, because the previous owner of the lock may have replaced it. */
static int lock_file(const char *file, bool *ret_created, struct error *err)
{
	for (;;) {
		CLEANUP(close_p) int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

		*ret_created = fd >= 0;
		if (fd < 0 && errno == EEXIST && (fd = open(file, O_RDWR | O_CLOEXEC | O_NOFOLLOW)) < 0 &&
		    errno == ENOENT)
			continue; /* removed meanwhile */
		if (fd < 0 || flock(fd, LOCK_EX) < 0)
			return error_errno(err, errno, "open %s", file);
		if (!is_regular(fd))
			return error_set(err, ERROR_USAGE, "%s is not a regular file; name another for the secrets",
					 file);
		if (file_still_there(AT_FDCWD, file, fd))
			return TAKE_FD(fd);
	}
}

static int check_private(const char *file, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, errno, "stat %s", file);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return error_set(err, ERROR_USAGE,
				 "%s can be read by others (mode %04o); chmod 0600 it, and if others are "
				 "on this machine make new secrets",
				 file, st.st_mode & 07777);
	return 0;
}

int seed_secrets_open(const char *file, struct seed_secrets *ret, struct error *err)
{
	CLEANUP(seed_secrets_close) struct seed_secrets s = { .file = file, .lock = -1 };
	CLEANUP(free_p) char *part = file ? seed_files_part(file) : NULL;

	if (file && ((s.lock = lock_file(file, &s.created, err)) < 0 || read_file(&s, err) < 0 ||
		     check_private(file, s.lock, err) < 0))
		return -1;
	if (part)
		unlink(part); /* of a run that was killed */
	if (s.created)
		leftover_set(file);
	*ret = s;
	s = (struct seed_secrets){ .lock = -1 };
	return 0;
}

struct seed_secret *seed_secrets_of(struct seed_secrets *secrets, const char *cluster)
{
	for (size_t i = 0; i < secrets->n; i++)
		if (!strcmp(secrets->at[i].cluster, cluster))
			return &secrets->at[i];
	vec_push(secrets, (struct seed_secret){ .cluster = xstrdup(cluster) });
	return &secrets->at[secrets->n - 1];
}

static char *make_token(void)
{
	char *token = xcalloc(1, TOKEN_ID + 1 + TOKEN_SECRET + 1);

	random_word(WORD, TOKEN_ID, token);
	token[TOKEN_ID] = '.';
	random_word(WORD, TOKEN_SECRET, token + TOKEN_ID + 1);
	return token;
}

static char *make_key(void)
{
	char *key = xcalloc(1, SEED_SECRETS_KEY + 1);

	random_word(HEX, SEED_SECRETS_KEY, key);
	return key;
}

bool seed_secrets_by_token(const struct seed_secret *secret, bool kubeadm)
{
	return secret->token || secret->certificate_key || (kubeadm && !secret->pki.ca);
}

int seed_secrets_generate_pki(struct seed_secrets *secrets, struct seed_secret *secret, struct error *err)
{
	CLEANUP(free_p) char *warning = pki_warning(&secret->pki, secret->cluster);

	if (warning)
		log_warning("%s", warning);
	if (secret->pki.ca)
		return 0;
	if (pki_make(&secret->pki, err) < 0)
		return -1;
	secrets->changed = secrets->generated = true;
	return 0;
}

void seed_secrets_generate(struct seed_secrets *secrets, struct seed_secret *secret)
{
	if (secret->token && secret->certificate_key)
		return;
	if (!secret->token)
		secret->token = make_token();
	if (!secret->certificate_key)
		secret->certificate_key = make_key();
	secrets->changed = secrets->generated = true;
}

void seed_secrets_generate_notes_key(struct seed_secrets *secrets, struct seed_secret *secret)
{
	if (secret->notes_key)
		return;
	secret->notes_key = make_key();
	secrets->changed = true;
}

/* ---- guests ---- */

struct seed_made *seed_secrets_made(const struct seed_secret *secret, long vmid)
{
	for (size_t i = 0; i < secret->made.n; i++)
		if (secret->made.at[i].vmid == vmid)
			return &secret->made.at[i];
	return NULL;
}

void seed_secrets_record(struct seed_secrets *secrets, struct seed_secret *secret, long vmid, const char *node,
			 const char *identity)
{
	seed_secrets_unrecord(secrets, secret, vmid);
	vec_push(&secret->made, (struct seed_made){
					.vmid = vmid,
					.node = xstrdup(node),
					.identity = identity && *identity ? xstrdup(identity) : NULL,
				});
	secrets->changed = true;
}

void seed_secrets_begin_removal(struct seed_secrets *secrets, struct seed_secret *secret, long vmid)
{
	struct seed_made *made = seed_secrets_made(secret, vmid);

	if (made && !made->removing)
		made->removing = secrets->changed = true;
}

void seed_secrets_unrecord(struct seed_secrets *secrets, struct seed_secret *secret, long vmid)
{
	struct seed_made *made = seed_secrets_made(secret, vmid);

	if (!made)
		return;
	free(made->node);
	free(made->identity);
	*made = secret->made.at[--secret->made.n];
	secrets->changed = true;
}

/* ---- writing ---- */

static void print_word(const char *key, const char *value, struct text *t)
{
	if (!value)
		return;
	text_addf(t, "  %s: ", key);
	yaml_quote(value, t);
	text_add(t, "\n");
}

static void print_guests(const struct seed_secret *s, struct text *t)
{
	text_add(t, s->made.n ? "  guests:\n" : "");
	for (size_t i = 0; i < s->made.n; i++) {
		const struct seed_made *m = &s->made.at[i];
		text_addf(t, "    %ld: {node: ", m->vmid);
		yaml_quote(m->node, t);
		if (m->identity) {
			text_add(t, ", identity: ");
			yaml_quote(m->identity, t);
		}
		text_add(t, m->removing ? ", removing: true}\n" : "}\n");
	}
}

static void print_pki(const struct node_pki *pki, struct text *t)
{
	text_add(t, node_pki_given(pki) ? "  pki:\n" : "");
	for (size_t i = 0; i < node_pki_keys(); i++)
		if (*node_pki_at(i, pki)) {
			text_addf(t, "    %s: ", node_pki_key(i));
			yaml_quote(*node_pki_at(i, pki), t);
			text_add(t, "\n");
		}
}

static bool is_empty(const struct seed_secret *s)
{
	return !s->token && !s->certificate_key && !s->notes_key && !s->made.n && !node_pki_given(&s->pki);
}

static void print(const struct seed_secrets *secrets, struct text *t)
{
	text_addf(t, "%s" SEED_SECRETS_VERSION_KEY ": %d\n", header, SEED_SECRETS_VERSION);
	for (size_t i = 0; i < secrets->n; i++) {
		const struct seed_secret *s = &secrets->at[i];

		if (is_empty(s))
			continue;
		yaml_quote(s->cluster, t);
		text_add(t, ":\n");
		print_word("token", s->token, t);
		print_word("certificate_key", s->certificate_key, t);
		print_word("notes_key", s->notes_key, t);
		print_pki(&s->pki, t);
		print_guests(s, t);
	}
}

/* Locks the new file before it gets the name, so that no other process comes between. Only the owner of the file's lock writes the part. */
static int replace_locked(const char *file, const struct text *t, struct error *err)
{
	CLEANUP(free_p) char *part = seed_files_part(file), *copy = xstrdup(file);
	const char *slash = strrchr(file, '/');

	unlink(part);
	leftover_set(part);
	CLEANUP(close_p) int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || write_all(fd, t->data, t->len) < 0 || fsync(fd) < 0 ||
	    rename(part, file) < 0) {
		error_errno(err, errno, "write %s", file);
		unlink(part);
		return -1;
	}
	leftover_set(NULL);
	copy[slash ? slash - file : 0] = '\0';
	CLEANUP(close_p) int parent = dir_open(AT_FDCWD, !slash ? "." : *copy ? copy : "/", err);
	if (parent < 0)
		return -1;
	if (fsync(parent) < 0)
		return error_errno(err, errno, "sync the directory of %s", file);
	return TAKE_FD(fd);
}

int seed_secrets_save(struct seed_secrets *secrets, struct error *err)
{
	CLEANUP(text_wipe_done) struct text t = { 0 };

	if (!secrets->file || !secrets->changed)
		return 0;
	print(secrets, &t);
	int fd = replace_locked(secrets->file, &t, err);
	if (fd < 0)
		return -1;
	close_p(&secrets->lock);
	secrets->lock = fd;
	secrets->changed = secrets->created = false;
	return 0;
}

static void wipe_secret(struct seed_secret *s)
{
	wipe_p(&s->token);
	wipe_p(&s->certificate_key);
	wipe_p(&s->notes_key);
	node_pki_done(&s->pki);
	for (size_t i = 0; i < s->made.n; i++) {
		free(s->made.at[i].node);
		free(s->made.at[i].identity);
	}
	vec_done(&s->made);
}

bool seed_secrets_are_empty(const struct seed_secrets *secrets)
{
	for (size_t i = 0; i < secrets->n; i++)
		if (!is_empty(&secrets->at[i]))
			return false;
	return true;
}

void seed_secrets_forget(struct seed_secrets *secrets, struct seed_secret *secret)
{
	secrets->changed = secrets->changed || !is_empty(secret);
	wipe_secret(secret);
}

void seed_secrets_close(struct seed_secrets *secrets)
{
	struct stat st;

	if (secrets->created && secrets->lock >= 0 && fstat(secrets->lock, &st) == 0 && st.st_size == 0 &&
	    file_still_there(AT_FDCWD, secrets->file, secrets->lock))
		unlink(secrets->file);
	if (secrets->created)
		leftover_set(NULL);
	for (size_t i = 0; i < secrets->n; i++) {
		free(secrets->at[i].cluster);
		wipe_secret(&secrets->at[i]);
	}
	vec_done(secrets);
	close_p(&secrets->lock);
}
