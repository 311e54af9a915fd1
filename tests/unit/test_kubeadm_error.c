/* SPDX-License-Identifier: Apache-2.0 */
/* Real messages, as data in tests/golden/kubeadm_error: `lines` holds "class|advice|source|message"; each file CLASS.NAME a whole output
 * below "advice|source". */
#include <dirent.h>

#include "agent/kubeadm_error.h"
#include "agent/kubeadm_error_table.h"
#include "lib/file.h"
#include "tests/unit/check.h"

#define KUBEADM_ERRORS "tests/golden/kubeadm_error"

static struct kubeadm_error classify(const char *output)
{
	struct kubeadm_error v = { 0 };

	kubeadm_error_classify(output, strlen(output), &v);
	return v;
}

/* Says what is wrong, once, so that a table's failing row is named. */
static bool fits(const char *output, const char *class, const char *advice)
{
	CLEANUP(kubeadm_error_done) struct kubeadm_error v = classify(output);

	bool found = strstr(v.sentence, advice) || (v.words && strstr(v.words, advice));
	if (!strcmp(kubeadm_error_class_name(v.class), class) && found && !strchr(v.sentence, '\n'))
		return true;
	printf("# want %s, \"%s\"; got %s: %s\n", class, advice, kubeadm_error_class_name(v.class), v.sentence);
	return false;
}

TEST(kubeadm_error_of_every_known_line)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };
	unsigned known = 0, wrong = 0;

	CHECK(file_read(AT_FDCWD, KUBEADM_ERRORS "/lines", 1 << 20, &text, &err) == 0);
	for (char *rest = text.data, *line; (line = strsep(&rest, "\n"));) {
		if (!*line || *line == '#')
			continue;
		const char *class = strsep(&line, "|"), *advice = strsep(&line, "|"), *source = strsep(&line, "|");
		CHECK(line && *source);
		wrong += !fits(line, class, advice);
		known++;
	}
	CHECK(wrong == 0);
	CHECK(known >= 250);
}

TEST(kubeadm_error_of_every_whole_output)
{
	CLEANUP(closedir_p) DIR *dir = opendir(KUBEADM_ERRORS);
	unsigned known = 0, wrong = 0;

	CHECK(dir);
	for (const struct dirent *e; (e = readdir(dir));) {
		CLEANUP(text_done) struct text text = { 0 };
		struct error err = { 0 };
		const char *dot = strchr(e->d_name, '.');
		if (!dot || dot == e->d_name)
			continue;
		CLEANUP(free_p) char *class = xstrndup(e->d_name, (size_t)(dot - e->d_name));
		CHECK(file_read(dirfd(dir), e->d_name, 1 << 20, &text, &err) == 0);
		char *output = text.data, *source = strsep(&output, "\n");
		const char *advice = strsep(&source, "|");
		CHECK(output && source && *source);
		wrong += !fits(output, class, advice);
		known++;
	}
	CHECK(wrong == 0);
	CHECK(known >= 40);
}

/* The advice of a row that no message of `lines` gets is dead, or its message is not tried. */
static bool is_told(const char *advice, const char *messages)
{
	CLEANUP(free_p) char *copy = xstrdup(messages);

	for (char *rest = copy, *line; (line = strsep(&rest, "\n"));) {
		if (!*line || *line == '#')
			continue;
		strsep(&line, "|"), strsep(&line, "|"), strsep(&line, "|");
		CLEANUP(kubeadm_error_done) struct kubeadm_error v = classify(line);
		if (!strcmp(v.sentence, advice))
			return true;
	}
	printf("# no message in lines: %s\n", advice);
	return false;
}

TEST(kubeadm_error_tables_have_a_message_for_every_advice)
{
	CLEANUP(text_done) struct text text = { 0 };
	struct error err = { 0 };
	unsigned untold = 0;

	CHECK(file_read(AT_FDCWD, KUBEADM_ERRORS "/lines", 1 << 20, &text, &err) == 0);
	for (const struct kubeadm_statement *s = kubeadm_statements; s->advice; s++)
		untold += !is_told(s->advice, text.data);
	for (const struct kubeadm_failure *v = kubeadm_failures; v->advice; v++)
		untold += !is_told(v->advice, text.data);
	CHECK(untold == 0);
}

TEST(kubeadm_error_words_have_no_token)
{
	CLEANUP(kubeadm_error_done)
	struct kubeadm_error v = classify(
		"error execution phase preflight: could not construct token string for token: abcdef.0123456789abcdef");
	CLEANUP(kubeadm_error_done)
	struct kubeadm_error key =
		classify("error: 0123456789012345678901234567890123456789012345678901234567890123 is odd");

	CHECK(!strstr(v.words, "0123456789abcdef"));
	CHECK(strstr(v.words, "could not construct"));
	CHECK(!strstr(key.words, "0123456789"));
	CLEANUP(kubeadm_error_done)
	struct kubeadm_error proxy =
		classify("\t[ERROR HTTPProxy]: parse \"http://me:pa55word@proxy:x\": invalid port");
	CHECK(!strstr(proxy.words, "pa55word") && strstr(proxy.words, "invalid port"));
}

TEST(kubeadm_error_of_no_output_is_retry)
{
	CLEANUP(kubeadm_error_done) struct kubeadm_error v = classify("");
	CLEANUP(kubeadm_error_done) struct kubeadm_error talk = classify("[init] Using Kubernetes version: v1.20.2\n");

	CHECK(v.class == KUBEADM_ERROR_RETRY);
	CHECK_STR(v.sentence, "kubeadm failed and gave no reason");
	CHECK(talk.class == KUBEADM_ERROR_RETRY);
}

TEST(kubeadm_error_of_an_unknown_failure_quotes_the_last_error_line)
{
	CLEANUP(kubeadm_error_done)
	struct kubeadm_error v = classify("error: first\nerror execution phase certs: something new\n"
					  "To see the stack trace of this error execute with --v=5\n");

	CHECK(v.class == KUBEADM_ERROR_RETRY);
	CHECK_STR(v.words, "error execution phase certs: something new");
	CHECK(!strstr(v.sentence, "something new"));
}

TEST(kubeadm_error_long_words_keep_both_ends_and_whole_characters)
{
	CLEANUP(text_done) struct text text = { 0 };

	text_add(&text, "error: ");
	for (int i = 0; i < 400; i++)
		text_add(&text, "\xc3\xa4");
	text_add(&text, " the cause");
	CLEANUP(kubeadm_error_done) struct kubeadm_error v = classify(text.data);
	CHECK(strlen(v.words) < 400);
	CHECK(text_starts(v.words, "error: \xc3\xa4"));
	CHECK(strstr(v.words, "\xc3\xa4 ... \xc3\xa4"));
	CHECK(text_ends(v.words, " the cause"));
}

/* A line before the end knows more than "timed out"; less than an end that names its cause. */
TEST(kubeadm_error_prefers_the_message_that_says_why)
{
	static const char before[] =
		"{\"level\":\"warn\",\"logger\":\"etcd-client\",\"error\":\"transport: authentication "
		"handshake failed: x509: certificate signed by unknown authority\"}\n";
	CLEANUP(free_p)
	char *late = xasprintf("%serror execution phase check-etcd: context deadline exceeded\n", before);
	CLEANUP(free_p)
	char *named = xasprintf("%serror execution phase check-etcd: etcdserver: leader changed\n", before);
	CLEANUP(kubeadm_error_done) struct kubeadm_error a = classify(late);
	CLEANUP(kubeadm_error_done) struct kubeadm_error b = classify(named);

	CHECK(a.class == KUBEADM_ERROR_FATAL && strstr(a.sentence, "not of one authority"));
	CHECK(b.class == KUBEADM_ERROR_RETRY && strstr(b.sentence, "choosing its leader"));
}

/* Go shows the names in a certificate before it asks who signed it, and a server's answer to anybody as it is. */
TEST(kubeadm_error_of_an_unproven_server_is_never_fatal)
{
	static const char *const words[] = {
		"no space left on device",
		"[ERROR NumCPU]: 1",
		"\n\t[ERROR NumCPU]: 1\n",
		"\nerror execution phase preflight: no space left on device\n",
		"admission webhook \"a\" denied the request",
		"\nerror execution phase kubelet-start: a Node with name \"w1\" and status \"Ready\" already exists in "
		"the "
		"cluster\n",
	};
	static const char *const wraps[] = {
		"error execution phase preflight: couldn't validate the identity of the API Server: failed to request "
		"the "
		"cluster-info ConfigMap: %s",
		"error execution phase preflight: couldn't validate the identity of the API Server: Get "
		"\"https://10.0.0.10:6443/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s\": tls: "
		"failed "
		"to verify certificate: x509: certificate is valid for %s, not 10.0.0.10",
		"error execution phase preflight: unable to fetch the kubeadm-config ConfigMap: failed to get config "
		"map: "
		"Get \"https://10.0.0.10:6443/api/v1/namespaces/kube-system/configmaps/kubeadm-config?timeout=10s\": "
		"x509: "
		"certificate is valid for %s, not 10.0.0.10",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words) * ARRAY_SIZE(wraps); i++) {
		CLEANUP(text_done) struct text said = { 0 };
		const char *wrap = wraps[i / ARRAY_SIZE(words)], *hole = strstr(wrap, "%s");
		text_addf(&said, "%.*s%s%s\n", (int)(hole - wrap), wrap, words[i % ARRAY_SIZE(words)], hole + 2);
		CLEANUP(kubeadm_error_done) struct kubeadm_error v = classify(said.data);
		kubeadm_error_settle(&v, false);
		CHECK(v.class == KUBEADM_ERROR_RETRY || v.class == KUBEADM_ERROR_CREDENTIALS);
	}
}

TEST(kubeadm_error_distinguishes_own_success_from_another_machines_name)
{
	static const char said[] =
		"error execution phase kubelet-start: a Node with name \"w1\" and status \"Ready\" already "
		"exists in the cluster.";
	CLEANUP(kubeadm_error_done) struct kubeadm_error ours = classify(said);
	CLEANUP(kubeadm_error_done) struct kubeadm_error other = classify(said);

	kubeadm_error_settle(&ours, true);
	kubeadm_error_settle(&other, false);
	CHECK(ours.class == KUBEADM_ERROR_JOINED);
	CHECK(other.class == KUBEADM_ERROR_FATAL);
	CHECK(strstr(other.sentence, "node.name"));
}
