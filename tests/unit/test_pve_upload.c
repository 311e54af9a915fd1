/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an upload, as a stub receives it. */
#include "tests/unit/check.h"

#include "lib/pve_upload.h"
#include "tests/unit/pve_server.h"

#define SIZE 20000 /* more than libcurl's and TLS's buffers of 16 KiB */
#define REQUEST "POST /nodes/n/storage/local/upload"

static int file_of(size_t size)
{
	int fd = memfd_create("upload", MFD_CLOEXEC);

	for (size_t i = 0; i < size; i++)
		if (write(fd, &"0123456789"[i % 10], 1) != 1)
			abort();
	return fd;
}

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	uint64_t *last = context;

	*last = done <= total && done >= *last ? done : UINT64_MAX;
}

TEST(pve_upload_sends_the_file)
{
	static const struct stub_route routes[] = {
		{ REQUEST, "200 OK", "{\"data\":\"UPID:n:1:2:3:imgcopy::u:\"}" },
		{ REQUEST, "200 OK", "{\"data\":null}" },
		{ REQUEST, "403 Permission check failed", "" },
		{ NULL, NULL, NULL },
	};
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(close_p) int fd = file_of(SIZE);
	CLEANUP(free_p) char *upid = NULL;
	struct error err = { 0 };
	uint64_t sent = 0;
	const struct pve_upload upload = { .node = "n",
					   .storage = "local",
					   .content = "iso",
					   .name = "a.iso",
					   .fd = fd,
					   .size = SIZE,
					   .sha256 = "c0ffee",
					   .progress = note_progress,
					   .context = &sent };

	CHECK(pve_upload(pve, &upload, &upid, &err) == 0 && sent == SIZE);
	CHECK_STR(upid, "UPID:n:1:2:3:imgcopy::u:");
	const char *boundary = strstr(stub.seen->text, "boundary="), *body = strstr(stub.seen->text, "\r\n\r\n") + 4;
	CHECK(boundary && boundary < body);
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	CLEANUP(free_p) char *word = xstrndup(boundary + 9, PVE_UPLOAD_BOUNDARY - 1);
	CHECK(pve_upload_frame(&upload, word, &before, &after, &err) == 0 && before.len <= PVE_UPLOAD_PREAMBLE_MAX);
	CHECK(!strncmp(body, before.data, before.len));
	CHECK(text_starts(body + before.len, "0123456789") && text_starts(body + before.len + SIZE, after.data));
	CHECK(strstr(before.data, "name=\"checksum\"\r\n\r\nc0ffee\r\n") && strstr(before.data, "filename=\"a.iso\""));

	char *none = NULL;
	CHECK(pve_upload(pve, &upload, &none, &err) == -1 && err.class == ERROR_TARGET && !none);
	CHECK(pve_upload(pve, &upload, &none, &err) == -1 && pve_failure(pve) == PVE_FORBIDDEN);
}

TEST(pve_upload_notices_a_short_file)
{
	static const struct stub_route routes[] = { { NULL, NULL, NULL } };
	CLEANUP(stub_stop) struct stub stub;
	stub_start(&stub, routes);
	CLEANUP(stub_pve_close_p) struct pve *pve = stub_open(&stub);
	CLEANUP(close_p) int fd = file_of(10);
	struct error err = { 0 };
	char *upid = NULL;

	CHECK(pve_upload(pve,
			 &(struct pve_upload){ .node = "n",
					       .storage = "local",
					       .content = "iso",
					       .name = "a.iso",
					       .fd = fd,
					       .size = SIZE },
			 &upid, &err) == -1);
	CHECK(text_starts(err.text, "read a.iso while it is sent: ") && !upid);
}

TEST(pve_upload_frame_refuses_names)
{
	static const char *const names[] = { "", "a b", "a/b", "\"", "ä" };
	CLEANUP(free_p) char *longest = xasprintf("%0*d", PVE_UPLOAD_NAME_MAX, 0);
	CLEANUP(free_p) char *longer = xasprintf("%0*d", PVE_UPLOAD_NAME_MAX + 1, 0);
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(pve_upload_frame(&(struct pve_upload){ .name = names[i], .content = "iso" }, "b", &before, &after,
				       &err) == -1 &&
		      err.class == ERROR_INPUT && !before.len);
	CHECK(pve_upload_frame(&(struct pve_upload){ .name = longer, .content = "iso" }, "b", &before, &after, &err) ==
	      -1);
	CHECK(pve_upload_frame(&(struct pve_upload){ .name = longest, .content = "iso" }, "b", &before, &after, &err) ==
	      0);
}

TEST(pve_upload_frame_format)
{
	CLEANUP(text_done) struct text before = { 0 }, after = { 0 };
	struct pve_upload upload = { .content = "import", .name = "k8s-1.qcow2", .size = 3 };
	struct error err = { 0 };

	memset(upload.sha256, 'a', SHA256_HEX - 1);
	CHECK(pve_upload_frame(&upload, "B", &before, &after, &err) == 0);
	CLEANUP(free_p)
	char *want = xasprintf("--B\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nimport\r\n"
			       "--B\r\nContent-Disposition: form-data; name=\"checksum-algorithm\"\r\n\r\nsha256\r\n"
			       "--B\r\nContent-Disposition: form-data; name=\"checksum\"\r\n\r\n%s\r\n"
			       "--B\r\nContent-Disposition: form-data; name=\"filename\"; filename=\"k8s-1.qcow2\"\r\n"
			       "Content-Type: application/octet-stream\r\n\r\n",
			       upload.sha256);
	CHECK_STR(before.data, want);
	CHECK_STR(after.data, "\r\n--B--\r\n");
	CHECK(before.len < PVE_UPLOAD_PREAMBLE_MAX);
}
