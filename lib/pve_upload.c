/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/pve_upload.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "lib/alloc.h"
#include "lib/error.h"
#include "lib/http_session.h"
#include "lib/json.h"
#include "lib/macro.h"
#include "lib/random.h"
#include "lib/text.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
#define BOUNDARY_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* The body: before, the file, after. */
struct upload_stream {
	const struct pve_upload *upload;
	struct text before, after;
	uint64_t sent; /* bytes of all three */
	int read_errno;
};

static void add_field(struct text *t, const char *boundary, const char *name, const char *value)
{
	text_addf(t, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, value);
}

int pve_upload_frame(const struct pve_upload *u, const char *boundary, struct text *ret_before, struct text *ret_after,
		     struct error *err)
{
	size_t n = strlen(u->name);

	if (!n || n > PVE_UPLOAD_NAME_MAX || u->name[strspn(u->name, NAME_CHARACTERS)])
		return error_set(err, ERROR_INPUT,
				 "'%s' is not a valid file name in a storage; allowed: up to %d of A-Z a-z 0-9 _ . -",
				 u->name, PVE_UPLOAD_NAME_MAX);
	add_field(ret_before, boundary, "content", u->content);
	add_field(ret_before, boundary, "checksum-algorithm", "sha256");
	add_field(ret_before, boundary, "checksum", u->sha256);
	text_addf(ret_before,
		  "--%s\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"%s\"\r\n"
		  "Content-Type: application/octet-stream\r\n\r\n",
		  boundary, u->name);
	text_addf(ret_after, "\r\n--%s--\r\n", boundary);
	return 0;
}

/* Copies the bytes of part at position `at` of the body; the part begins at `begin`. */
static size_t take_text(const struct text *part, uint64_t begin, uint64_t at, char *buffer, size_t max)
{
	if (at < begin || at >= begin + part->len)
		return 0;
	size_t offset = (size_t)(at - begin), n = part->len - offset;

	n = n < max ? n : max;
	memcpy(buffer, part->data + offset, n);
	return n;
}

/* 0 outside the file; -1 when it cannot be read or is shorter than its size. */
static ssize_t take_file(struct upload_stream *s, char *buffer, size_t max)
{
	const struct pve_upload *u = s->upload;
	uint64_t at = s->sent - s->before.len;

	if (s->sent < s->before.len || at >= u->size)
		return 0;
	ssize_t n = pread(u->fd, buffer, u->size - at < max ? (size_t)(u->size - at) : max, (off_t)at);
	if (n > 0)
		return n;
	s->read_errno = n < 0 ? errno : ENODATA;
	return -1;
}

static ssize_t take_any(struct upload_stream *s, char *buffer, size_t max)
{
	size_t n = take_text(&s->before, 0, s->sent, buffer, max);

	if (!n)
		n = take_text(&s->after, s->before.len + s->upload->size, s->sent, buffer, max);
	return n ? (ssize_t)n : take_file(s, buffer, max);
}

/* Fills the whole buffer, so that `before` is never sent alone (pve_upload.h). */
static ssize_t upload_stream_read(void *context, char *buffer, size_t max)
{
	struct upload_stream *s = context;
	size_t filled = 0;

	while (filled < max) {
		ssize_t n = take_any(s, buffer + filled, max - filled);
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		filled += (size_t)n;
		s->sent += (uint64_t)n;
	}
	if (s->upload->progress && s->sent > s->before.len) {
		uint64_t done = s->sent - s->before.len;
		s->upload->progress(s->upload->context, done < s->upload->size ? done : s->upload->size,
				    s->upload->size);
	}
	return (ssize_t)filled;
}

static void upload_stream_done(struct upload_stream *s)
{
	text_done(&s->before);
	text_done(&s->after);
}

static int read_upid(const struct json *data, char **ret_upid, struct error *err)
{
	const char *upid = json_as_string(data);

	if (!upid || !text_starts(upid, "UPID:"))
		return error_set(err, ERROR_TARGET,
				 "Proxmox VE accepted the upload but named no task; check the storage");
	*ret_upid = xstrdup(upid);
	return 0;
}

int pve_upload(struct pve *pve, const struct pve_upload *u, char **ret_upid, struct error *err)
{
	char boundary[PVE_UPLOAD_BOUNDARY];
	CLEANUP(upload_stream_done) struct upload_stream s = { .upload = u };
	CLEANUP(json_free_p) struct json *data = NULL;
	CLEANUP(free_p) char *path = pve_path("/nodes/%s/storage/%s/upload", u->node, u->storage);

	random_word(BOUNDARY_CHARACTERS, sizeof boundary - 1, boundary);
	if (pve_upload_frame(u, boundary, &s.before, &s.after, err) < 0)
		return -1;
	CLEANUP(free_p) char *type = xasprintf("multipart/form-data; boundary=%s", boundary);
	struct http_stream body = {
		.type = type,
		.len = s.before.len + u->size + s.after.len,
		.read = upload_stream_read,
		.context = &s,
	};
	int rc = pve_send(pve, path, &body, &data, err);
	if (rc < 0 && s.read_errno)
		return error_errno(err, s.read_errno, "read %s while it is sent", u->name);
	if (rc < 0)
		return -1;
	return read_upid(data, ret_upid, err);
}
