/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/verify.h"
#include "lib/hash.h"
#include "tests/unit/fake_root.h"
#include "tests/unit/image_maker.h"

#define PAUSE "registry/pause:3.10"
#define ABOUT_FILE "./etc/nodekiln/image.json"
#define ABOUT(artifact, runtime)                                                                                       \
	"{\"artifact\": \"" artifact "\", \"runtime\": \"" runtime "\", \"pause_image\": \"" PAUSE "\", "              \
	"\"kubernetes\": {\"source\": \"debian\"}, \"units\": [\"ssh\", \"getty@tty1.service\", \"dbus.service\"], "   \
	"\"images\": [\"" PAUSE "\"]}"
#define CONFIG_PATH "/etc/containerd/config.toml"
#define CONFIG_FILE "./etc/containerd/config.toml"
#define STORE_FILE "./var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db"
#define SSH_FILE "./usr/lib/systemd/system/ssh.service"
#define SSH_WANTED "/etc/systemd/system/multi-user.target.wants/ssh.service"
#define SSH_WANTS "." SSH_WANTED
#define DOCKER_UNIT "./etc/systemd/system/cri-docker.service"
#define DOCKER_STORE "./var/lib/docker/image/overlay2"
#define DPKG "./var/lib/dpkg/"
#define PACKAGED                                                                                                       \
	"/bin/sh\n" CONFIG_PATH                                                                                        \
	"\n/etc/debian_version\n/etc/os-release\n/sbin/init\n/usr/bin/kubeadm\n/usr/bin/kubectl\n"                     \
	"/usr/bin/kubelet\n/usr/bin/su\n/usr/lib/systemd/system/dbus.service\n/usr/lib/systemd/system/"                \
	"getty@.service\n"                                                                                             \
	"/usr/lib/systemd/system/ssh.service\n/etc/systemd/system/cri-docker.service\n"
#define INSTALL "[Install]\nWantedBy=multi-user.target\n"

/* An LXC template without a fault. */
static const struct member sound[] = {
	MEMBER_DIRECTORY("./"),
	MEMBER_PROGRAM("./bin/sh"),
	MEMBER_FILE(CONFIG_FILE, "sandbox_image = \"" PAUSE "\"\n"),
	MEMBER_FILE("./etc/debian_version", "12.5\n"),
	MEMBER_FILE("./etc/machine-id", NULL),
	MEMBER_FILE(ABOUT_FILE, ABOUT("lxc", "containerd")),
	MEMBER_FILE("./etc/os-release", "ID=debian\n"),
	MEMBER_FILE("./etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
	MEMBER_FILE("./etc/shadow", "root:*:1::::::\n"),
	MEMBER_LINK("./etc/systemd/system/getty.target.wants/getty@tty1.service",
		    "/usr/lib/systemd/system/getty@.service"),
	MEMBER_LINK(SSH_WANTS, "/usr/lib/systemd/system/ssh.service"),
	MEMBER_LINK("./sbin/init", "/usr/lib/systemd/systemd"),
	MEMBER_PROGRAM("./usr/bin/kubeadm"),
	MEMBER_LINK("./usr/bin/kubectl", "kubeadm"),
	MEMBER_PROGRAM("./usr/bin/kubelet"),
	MEMBER_FILE("./usr/lib/systemd/system/dbus.service", "[Service]\nExecStart=/bin/true\n"),
	MEMBER_FILE("./usr/lib/systemd/system/getty@.service", INSTALL),
	MEMBER_FILE(SSH_FILE, INSTALL),
	MEMBER_FILE(DPKG "info/base.list", PACKAGED),
	MEMBER_FILE(DPKG "status", "Package: base\nStatus: install ok installed\n"),
	MEMBER_FILE(STORE_FILE, "bbolt " PAUSE " bbolt"),
};
#define SOUND ARRAY_SIZE(sound)
#define CHANGES 4

/* Members that replace those of the same path, or are added; without a mode: that are missing. */
struct change {
	struct member member[CHANGES];
	const char *findings; /* one a line */
};
#define MISSING(name)                                                                                                  \
	{                                                                                                              \
		.path = name                                                                                           \
	}

static int verify(const char *path, struct verify *ret, struct error *err)
{
	if (verify_open(path, &(struct verify_options){ 0 }, ret, err) < 0)
		return -1;
	return verify_load(ret, err);
}

static void apply(const struct change *c, struct member *ret, size_t *ret_n)
{
	memcpy(ret, sound, sizeof sound);
	*ret_n = SOUND;
	for (const struct member *m = c->member; m < c->member + CHANGES && m->path; m++) {
		size_t i = 0;
		while (i < SOUND && (!ret[i].path || strcmp(ret[i].path, m->path) != 0))
			i++;
		ret[i < SOUND ? i : (*ret_n)++] = *m;
	}
	for (size_t i = 0, n = *ret_n; i < n; i++) {
		if (i == 0)
			*ret_n = 0;
		if (ret[i].mode)
			ret[(*ret_n)++] = ret[i];
	}
}

/* The findings about the template with these changes, one a line; an error as it is. */
static char *verified(const struct change *c)
{
	struct member members[SOUND + CHANGES];
	char path[] = "/tmp/test_verify.XXXXXX.tar.zst";
	CLEANUP(close_p) int fd = mkstemps(path, (int)strlen(".tar.zst"));
	struct text text = { 0 };
	struct error err = { 0 };
	struct verify v;
	size_t n;

	apply(c, members, &n);
	if (maker_tarball(path, members, n, &err) < 0 || verify(path, &v, &err) < 0) {
		unlink(path);
		return xstrdup(err.text);
	}
	unlink(path);
	for (size_t i = 0; i < v.faults.list.n; i++)
		text_addf(&text, "%s\n", v.faults.list.at[i].text);
	verify_done(&v);
	return text.len ? text_take(&text) : xstrdup("");
}

static const struct change container_changes[] = {
	{ .findings = "" },
	{ { MISSING("./etc/debian_version") },
	  "/etc/debian_version is missing; Proxmox VE needs it to create a container\n" },
	{ { { .path = "./dev/null", .mode = S_IFCHR | 0666 } },
	  "member ./dev/null is a device node, which an unprivileged container cannot create\n" },
	{ { { .path = "./x", .mode = S_IFREG | 0644, .uid = 65536 } },
	  "member ./x belongs to an id beyond 65535, which no container maps\n" },
	{ { { .path = "y", .mode = S_IFREG | 0644 } },
	  "member y is not below ./\n/y is not of a package, an overlay or a step of the build\n" },
	{ { { .path = "./z", .original = "bin/sh", .mode = S_IFREG | 0644 } },
	  "member ./z is a hard link to something that is not below ./\n" },
};

static const struct change about_changes[] = {
	{ { MISSING(ABOUT_FILE) }, "/etc/nodekiln/image.json is missing; nodekiln did not make this image\n" },
	{ { MEMBER_FILE(ABOUT_FILE, ABOUT("vm", "containerd")) },
	  "/etc/nodekiln/image.json says artifact 'vm', but the file is one for 'lxc'\n" },
	{ { MEMBER_FILE("./etc/machine-id", "0123456789abcdef0123456789abcdef\n") },
	  "/etc/machine-id is not empty; every node must make its own at first boot\n" },
	{ { MEMBER_FILE("./etc/ssh/ssh_host_rsa_key", "key") },
	  "/etc/ssh/ssh_host_rsa_key exists; nodes with the same host keys can impersonate each other\n" },
	{ { MEMBER_FILE("./etc/shadow", "root:$y$hash:1::::::\n") },
	  "/etc/shadow: root has a password hash; every account of an image must be locked\n" },
};

static const struct change guest_changes[] = {
	{ { MISSING(SSH_FILE) },
	  "unit ssh.service is not in the image; its package is missing\n" SSH_WANTED
	  " is not of a package, an overlay or a step of the build\n" },
	{ { MISSING(SSH_WANTS) }, "unit ssh.service is not enabled\n" },
	{ { MEMBER_LINK("./etc/systemd/system/ssh.service", "/dev/null") },
	  "unit ssh.service is masked (/etc/systemd/system/ssh.service)\n" },
	{ { MISSING("./usr/bin/kubelet") }, "/usr/bin/kubelet is missing\n" },
	{ { MEMBER_FILE("./usr/bin/kubelet", "text") }, "/usr/bin/kubelet is not executable\n" },
	{ { MEMBER_FILE(ABOUT_FILE,
			"{\"artifact\": \"lxc\", \"programs\": [\"/usr/bin/kubelet\", \"/usr/bin/ctr\"]}") },
	  "/usr/bin/ctr is missing\n" },
	{ { MISSING(CONFIG_FILE) }, "/etc/containerd/config.toml is missing\n" },
	{ { MEMBER_FILE(CONFIG_FILE, "sandbox = 'registry/pause:3.9'\n") },
	  "containerd's sandbox image is registry/pause:3.9, kubeadm's pause image is " PAUSE "\n" },
	{ { MEMBER_FILE(CONFIG_FILE, "version = 2\n") },
	  "containerd's sandbox image is not set, kubeadm's pause image is " PAUSE "\n" },
	{ { MEMBER_FILE(CONFIG_FILE, "sandbox = '" PAUSE "'\n") }, "" }, /* version 3 of its format */
};

static const struct change image_changes[] = {
	{ { MISSING(STORE_FILE) }, "the image " PAUSE " is listed as preloaded, but containerd's store lacks it\n" },
	{ { MEMBER_FILE(STORE_FILE, "bbolt registry/pause:3.9 bbolt") },
	  "the image " PAUSE " is listed as preloaded, but containerd's store lacks it\n" },
	{ { MEMBER_FILE(ABOUT_FILE, ABOUT("lxc", "docker")) },
	  "the image " PAUSE " is listed as preloaded, but Docker's store lacks it\n" },
	{ { MEMBER_FILE(ABOUT_FILE, ABOUT("lxc", "docker")),
	    MEMBER_FILE(DOCKER_UNIT, "ExecStart=/usr/bin/cri-dockerd --pod-infra-container-image=" PAUSE "\n"),
	    MEMBER_FILE(DOCKER_STORE "/repositories.json",
			"{\"Repositories\": {\"registry/pause\": {\"" PAUSE "\": \"sha256:abc\"}}}"),
	    MEMBER_FILE(DOCKER_STORE "/imagedb/content/sha256/abc", "{}") },
	  "" },
	{ { MEMBER_FILE(ABOUT_FILE, ABOUT("lxc", "docker")), MEMBER_FILE(DOCKER_UNIT, "ExecStart=cri-dockerd\n"),
	    MEMBER_FILE(DOCKER_STORE "/repositories.json",
			"{\"Repositories\": {\"registry/pause\": {\"" PAUSE "\": \"sha256:abc\"}}}") },
	  "/etc/systemd/system/cri-docker.service does not give cri-dockerd kubeadm's pause image, " PAUSE "\n"
	  "the image " PAUSE " is listed as preloaded, but Docker's store lacks it\n" },
};

static bool all_found(const struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(free_p) char *got = verified(&c[i]);
		if (strcmp(got, c[i].findings) != 0) {
			printf("# change %zu: got \"%s\", want \"%s\"\n", i, got, c[i].findings);
			return false;
		}
	}
	return true;
}

TEST(verify_tarball_findings)
{
	CHECK(all_found(container_changes, ARRAY_SIZE(container_changes)));
}

TEST(verify_about_and_sysprep_findings)
{
	CHECK(all_found(about_changes, ARRAY_SIZE(about_changes)));
}

TEST(verify_guest_findings)
{
	CHECK(all_found(guest_changes, ARRAY_SIZE(guest_changes)));
}

TEST(verify_images_findings)
{
	CHECK(all_found(image_changes, ARRAY_SIZE(image_changes)));
}

TEST(verify_tarball_counts_many_members)
{
	struct member members[SOUND + 130];
	char names[130][16], path[] = "/tmp/test_verify.XXXXXX";
	CLEANUP(close_p) int fd = mkstemp(path);
	CLEANUP(verify_done) struct verify v = { 0 };
	struct error err = { 0 };

	memcpy(members, sound, sizeof sound);
	for (size_t i = 0; i < 130; i++) {
		snprintf(names[i], sizeof names[i], "./many-%zu", i);
		members[SOUND + i] = (struct member){ .path = names[i], .mode = S_IFREG, .uid = 70000 };
	}
	CHECK(maker_tarball(path, members, ARRAY_SIZE(members), &err) == 0 && verify(path, &v, &err) == 0);
	unlink(path);
	CHECK(v.faults.list.n <= 2 * (FAULTS_MAX + 1) &&
	      strstr(v.faults.list.at[v.faults.list.n - 1].text, "and 30 more like these"));
}

TEST(verify_file_compares_with_sha256sums)
{
	FAKE_ROOT();
	CLEANUP(free_p) char *image = xasprintf("%s/image.tar.zst", path);
	CLEANUP(verify_done) struct verify other = { 0 }, wrong = { 0 }, right = { 0 };
	char hex[SHA256_HEX];

	CHECK(maker_tarball(image, sound, SOUND, &err) == 0);
	CLEANUP(close_p) int fd = open(image, O_RDONLY | O_CLOEXEC);
	CHECK(sha256_fd(fd, hex, &err) == 0);
	CLEANUP(free_p) char *good = xasprintf("%s  image.tar.zst\n", hex);
	CLEANUP(free_p) char *bad = xasprintf("%064d  image.tar.zst\n", 0);
	CLEANUP(free_p) char *elsewhere = xasprintf("%s  other\n", hex);

	fake_put(path, "/SHA256SUMS", elsewhere);
	CHECK(verify(image, &other, &err) == 0 && other.faults.list.n == 1);
	CHECK(text_starts(other.faults.list.at[0].text, "SHA256SUMS in its directory has no line for image.tar.zst; "));
	fake_put(path, "/SHA256SUMS", bad);
	CHECK(verify(image, &wrong, &err) == 0 && wrong.faults.list.n == 1);
	CHECK(strstr(wrong.faults.list.at[0].text, "it was changed or truncated"));
	fake_put(path, "/SHA256SUMS", good);
	CHECK(verify(image, &right, &err) == 0 && right.faults.list.n == 0);
	FAKE_ROOT_END();
}

/* The findings about a disk with this layout and an empty tree: only those about the disk itself are compared. */
static bool disk_finding(const struct disk_plan *plan, const char *finding)
{
	char root[] = "/tmp/test_verify.XXXXXX";
	CLEANUP(free_p) char *raw = xasprintf("%s.raw", mkdtemp(root));
	CLEANUP(close_p) int fd = open(raw, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CLEANUP(verify_done) struct verify v = { 0 };
	struct error err = { 0 };
	bool ok = maker_disk(plan, root, fd, &err) == 0 && verify(raw, &v, &err) == 0;

	unlink(raw);
	rmdir(root);
	for (size_t i = 0; ok && i < v.faults.list.n; i++)
		if (!strcmp(v.faults.list.at[i].text, finding))
			return true;
	printf("# no finding \"%s\"; error \"%s\"\n", finding, err.text);
	for (size_t i = 0; i < v.faults.list.n; i++)
		printf("#   %s\n", v.faults.list.at[i].text);
	return false;
}

TEST(verify_disk_findings)
{
	struct disk_plan plan = maker_plan();

	CHECK(disk_finding(&plan, "partition 15 (EFI system) holds no file system, not vfat"));
	plan.partition[DISK_BIOS].type = plan.partition[DISK_ESP].type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
	CHECK(disk_finding(&plan, "there is neither a BIOS boot nor an EFI system partition; no firmware can boot it"));
	plan = maker_plan();
	plan.partition[DISK_ROOT].type = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
	CHECK(disk_finding(&plan, "there is no partition of type root (x86-64); the root cannot grow with the disk"));
	plan = maker_plan();
	plan.partition[DISK_ROOT].start = MAKER_MIB;
	plan.partition[DISK_BIOS].start = 28 * MAKER_MIB;
	plan.partition[DISK_ESP].start = 29 * MAKER_MIB;
	CHECK(disk_finding(&plan, "partition 14 is after the root, which then cannot grow"));
}
