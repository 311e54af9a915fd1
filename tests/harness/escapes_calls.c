/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel does for a caller: sockets, keys, programs in the kernel, its log. */
#include "escapes.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static bool kernel_log(void)
{
	return klogctl(3, (char[16]){ 0 }, 16) >= 0;
}

static bool loopback(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)atoi(host[PORT])),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool abstract_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t n = strlen(host[SOCKET]);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, host[SOCKET], n);
	return fd >= 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + 1 + n)) == 0;
}

static bool vsock(void)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0) >= 0;
}

static bool packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool kernel_crypto(void)
{
	return socket(AF_ALG, SOCK_SEQPACKET, 0) >= 0;
}

static bool family_above_32_bits(void)
{
	return syscall(SYS_socket, 1l << 32 | AF_VSOCK, SOCK_STREAM, 0) >= 0;
}

static bool session_key(void)
{
	return syscall(SYS_keyctl, 10 /* search */, -3 /* the session's ring */, "user", host[KEY], 0) > 0;
}

static bool user_key(void)
{
	return syscall(SYS_keyctl, 10, -4 /* the user's ring */, "user", host[KEY], 0) > 0;
}

static bool bpf_map(void)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1 };

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr) >= 0;
}

static bool perf(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .exclude_kernel = 1 };

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0) >= 0;
}

static bool io_uring(void)
{
	char parameters[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, parameters) >= 0;
}

static bool page_faults(void)
{
	return syscall(SYS_userfaultfd, 1 /* user mode only */) >= 0;
}

/* Another table of numbers would not be looked at by a filter for this one. */
static bool other_abi(void)
{
	return syscall(0x40000000 | SYS_getppid) >= 0;
}

static bool shared_memory(void)
{
	return shmget((key_t)0x6e6b, 4096, 0) >= 0;
}

const struct way call_ways[] = {
	{ "the kernel's log", kernel_log },
	{ "the host's loopback", loopback },
	{ "an abstract socket", abstract_socket },
	{ "AF_VSOCK", vsock },
	{ "AF_PACKET", packets },
	{ "AF_ALG", kernel_crypto },
	{ "AF_VSOCK, above 32 bits", family_above_32_bits },
	{ "a key of the session", session_key },
	{ "a key of the user", user_key },
	{ "bpf", bpf_map },
	{ "perf events", perf },
	{ "io_uring", io_uring },
	{ "userfaultfd", page_faults },
	{ "another ABI", other_abi },
	{ "shared memory of the host", shared_memory },
	{ 0 },
};
