/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/kubeadm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/kubeadm_output.h"
#include "agent/kubeadm_pki.h"
#include "agent/program.h"
#include "lib/alloc.h"
#include "lib/certificate.h"
#include "lib/file.h"
#include "lib/log.h"

#define CA_SIZE_MAX (1 << 20)

/* The file holds secrets: it is readable by root only, and removed after the run. */
static void remove_config(char **file)
{
	if (*file && unlink(*file) < 0 && errno != ENOENT)
		log_warning("remove %s: %s; it holds secrets", *file, strerror(errno));
	free_p(file);
}

/* In a directory that only root can enter. */
static int write_private(const char *file, const struct text *content, struct error *err)
{
	CLEANUP(free_p) char *directory = xstrndup(file, (size_t)(strrchr(file, '/') - file));
	int rc = dir_make(AT_FDCWD, directory, 0755, err);

	if (rc == 0 && chmod(directory, 0700) < 0)
		rc = error_errno(err, errno, "make %s private", directory);
	if (rc == 0)
		rc = file_write(AT_FDCWD, file, content->data, content->len, 0600, err);
	return rc;
}

static int write_config(const struct kubeadm_run *run, const char *file, struct error *err)
{
	CLEANUP(text_wipe_done) struct text config = { 0 };

	if (kubeadm_config(run, false, &config, err) < 0)
		return -1;
	return write_private(file, &config, err);
}

/* What comes with the seed: the control plane's files, and the credentials of a join. */
static int write_pki(const struct kubeadm_run *run, const char *root, const char *discovery, struct error *err)
{
	CLEANUP(text_wipe_done) struct text config = { 0 };

	if (!kubeadm_pki_given(run->node))
		return 0;
	if (kubeadm_pki_write(run, root, err) < 0)
		return error_wrap(err, "the cluster's PKI");
	if (run->init)
		return 0;
	kubeadm_pki_discovery(run, &config);
	return write_private(discovery, &config, err);
}

static int kubeadm_error_set(struct kubeadm_error *v, enum kubeadm_error_class class, struct error *err)
{
	kubeadm_error_done(v);
	*v = (struct kubeadm_error){ .class = class, .sentence = xstrdup(err->text) };
	return -1;
}

/* A clock that is behind may be set any moment. */
static int check_certificate(const struct kubeadm_run *run, struct kubeadm_error *ret, struct error *err)
{
	if (!kubeadm_pki_given(run->node) || run->init || kubeadm_pki_check(run, err) == 0)
		return 0;
	return kubeadm_error_set(ret, err->class == ERROR_HOST ? KUBEADM_ERROR_RETRY : KUBEADM_ERROR_FATAL, err);
}

/* After a power cut kubelet's certificate may be lost while its Node still counts as Ready. That ends within
 * a minute, since no kubelet reports for it any more. */
static void settle(const struct kubeadm_run *run, const char *root, struct kubeadm_error *v)
{
	CLEANUP(free_p) char *conf = xasprintf("%s/etc/kubernetes/kubelet.conf", root);
	CLEANUP(free_p) char *pem = xasprintf("%s/var/lib/kubelet/pki/kubelet-client-current.pem", root);
	bool has_certificate = access(conf, F_OK) == 0 && access(pem, F_OK) == 0;

	if (v->class == KUBEADM_ERROR_JOINED && !has_certificate && run->again)
		v->class = KUBEADM_ERROR_RETRY;
	kubeadm_error_settle(v, has_certificate);
}

static int classify(const struct kubeadm_run *run, const char *root, const struct text *said, struct kubeadm_error *ret,
		    struct error *err)
{
	kubeadm_error_done(ret);
	kubeadm_error_classify(said->data ? said->data : "", said->len, ret);
	settle(run, root, ret);
	if (ret->class != KUBEADM_ERROR_JOINED) {
		error_set(err, ERROR_FAILED, "%s", ret->sentence);
		return error_quote(err, "%s", ret->words ? ret->words : "");
	}
	log_info("%s", ret->sentence);
	return 0;
}

int kubeadm_execute(const struct kubeadm_run *run, const char *root, void (*phase)(void *context, const char *name),
		    void *context, struct kubeadm_error *ret, struct error *err)
{
	CLEANUP(remove_config) char *file = xasprintf("%s" KUBEADM_CONFIG_FILE, root);
	CLEANUP(remove_config) char *discovery = xasprintf("%s" KUBEADM_DISCOVERY_FILE, root);
	CLEANUP(kubeadm_output_done) struct kubeadm_output output = { .phase = phase, .context = context };
	CLEANUP(strings_done) struct strings argv = { 0 };

	secrets_of(run->node, &output.secrets);
	kubeadm_argv(run, file, &argv);
	if (check_certificate(run, ret, err) < 0)
		return -1;
	if (write_config(run, file, err) < 0 || write_pki(run, root, discovery, err) < 0)
		return kubeadm_error_set(ret, KUBEADM_ERROR_FATAL, err);
	if (program_run(&argv, kubeadm_output_line, &output, err) == 0)
		return 0;
	if (err->class != ERROR_COMMAND)
		return kubeadm_error_set(ret, KUBEADM_ERROR_FATAL, err);
	/* Not the private text in err: its lines are not masked. */
	return classify(run, root, &output.kept, ret, err);
}

int kubeadm_ca_hash(const char *root, char **ret, struct error *err)
{
	CLEANUP(free_p) char *file = xasprintf("%s" KUBEADM_CA_FILE, root);
	CLEANUP(text_done) struct text pem = { 0 };
	char hex[SHA256_HEX];

	if (file_read(AT_FDCWD, file, CA_SIZE_MAX, &pem, err) < 0 ||
	    certificate_spki_sha256(file, pem.data, pem.len, hex, err) < 0)
		return error_wrap(err, "the cluster's CA");
	*ret = xasprintf("sha256:%s", hex);
	return 0;
}
