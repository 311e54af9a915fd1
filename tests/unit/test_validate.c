/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule with texts that it accepts and refuses. */
#include "lib/alloc.h"
#include "lib/validate.h"
#include "tests/unit/check.h"

#define ITEMS_MAX 12
#define HEX40 "0123456789abcdefABCDEF0123456789abcdef01"
#define HEX64 HEX40 "0123456789abcdef01234567"
#define LABEL63 "a23456789-123456789-123456789-123456789-123456789-123456789-12z"
#define PEM "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

struct rule {
	const char *name;
	bool (*is_valid)(const char *s);
	const char *valid[ITEMS_MAX], *invalid[ITEMS_MAX];
};

#define RULE(fn) #fn, fn

static bool all_hold(const struct rule *rules, size_t n)
{
	bool hold = true;

	for (size_t r = 0; r < n; r++) {
		for (int i = 0; i < ITEMS_MAX && rules[r].valid[i]; i++)
			if (!rules[r].is_valid(rules[r].valid[i])) {
				printf("# %s refuses \"%s\"\n", rules[r].name, rules[r].valid[i]);
				hold = false;
			}
		for (int i = 0; i < ITEMS_MAX && rules[r].invalid[i]; i++)
			if (rules[r].is_valid(rules[r].invalid[i])) {
				printf("# %s accepts \"%s\"\n", rules[r].name, rules[r].invalid[i]);
				hold = false;
			}
	}
	return hold;
}

TEST(validate_names)
{
	static const struct rule rules[] = {
		{ RULE(dns_label_is_valid),
		  { "a", "a-1", LABEL63 },
		  { "", "-a", "a-", "A", "a.b", "a_b", LABEL63 "4" } },
		{ RULE(dns_name_is_valid),
		  { "a", "a.b-c", LABEL63 "." LABEL63 },
		  { "", ".a", "a.", "a..b", "a.-b", "A.b" } },
		{ RULE(recipe_name_is_valid),
		  { "debian-12.5", LABEL63 },
		  { "-x", "a..b", "", LABEL63 ".a", "a.-b", "a-.b", "Debian" } },
		{ RULE(filename_is_valid), { "a", "_a-b.c+d", "3.iso" }, { "", ".a", "-a", "a/b", "a b" } },
		{ RULE(unit_name_is_valid),
		  { "serial-getty@ttyS0.service", "a.timer", "a\\x2db.mount" },
		  { "../x.service", "x", "", ".service", "a.slice" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

TEST(validate_addresses)
{
	static const struct rule rules[] = {
		{ RULE(ip_address_is_valid), { "10.0.0.7", "fd00::7" }, { "", "10.0.0.256", "10.0.0.0/8", "h" } },
		{ RULE(endpoint_is_valid),
		  { "h", "a.b:6443", "10.0.0.1", "[fd00::1]", "[fd00::1]:65535" },
		  { "", ":1", "h:", "h:0", "h:01", "h:65536", "10.0.0.256", "fd00::1", "[10.0.0.1]", "[fd00::1",
		    "h:6443/x" } },
		{ RULE(url_is_valid),
		  { "http://h/x", "https://h", "file:///srv" },
		  { "http://", "http:///x", "/srv", "ftp://h", "http://a b", "http://a\"b", "http://a\\b", "" } },
		{ RULE(pve_url_is_valid),
		  { "https://h", "https://h:8006", "https://[fd00::1]:8006" },
		  { "http://h", "https://", "https://h/", "https://h:x" } },
		{ RULE(pod_subnet_is_valid),
		  { "10.244.0.0/16", "10.0.0.0/8", "fd00::/48", "10.244.0.0/16,fd00::/64", "fd00::/64,10.1.2.0/24" },
		  { "", "10.244.0.1/16", "10.0.0.0/7", "10.0.0.0/25", "fd00::/47", "fd00::/65", "10.0.0.0/8,10.0.0.0/8",
		    "10.0.0.0/8," } },
		{ RULE(service_subnet_is_valid),
		  { "10.96.0.0/12", "10.96.0.0/28", "fd00::/108", "10.96.0.0/12,fd00::/112" },
		  { "10.0.0.0/11", "10.0.0.0/29", "fd00::/107", "fd00::/125" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

TEST(validate_paths)
{
	static const struct rule rules[] = {
		{ RULE(path_is_valid),
		  { "/a", "/usr/bin/x", "/a/", "/a/./b", "/a/..b" },
		  { "", "/", "a", "/a//b", "/a/../b", "/a/..", "/a\n" } },
		{ RULE(path_is_normalized),
		  { "/a", "/usr/bin/x", "/a/..b" },
		  { "", "/", "a", "/usr//x", "/a/..", "/a/../b", "/a/", "/a/./b", "/a/.", "/a\n" } },
		{ RULE(unix_socket_is_valid), { "unix:///run/a.sock" }, { "/run/a.sock", "unix://run/a", "unix:///" } },
		{ RULE(certificate_or_path_is_valid),
		  { "/etc/ca.pem", PEM },
		  { "", "ca.pem", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
		    PEM "-----BEGIN PRIVATE KEY-----" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

TEST(validate_hex)
{
	static const struct rule rules[] = {
		{ RULE(uuid_is_valid),
		  { "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee00", "C0FFEEC0-ffee-c0ff-eec0-ffeec0ffee00" },
		  { "", "c0ffeec0", "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee000", "c0ffeec0fffee-c0ff-eec0-ffeec0ffee00",
		    "c0ffeec0-ffee-c0ff-eec0-ffeec0ffee0g" } },
		{ RULE(fingerprint_is_valid),
		  { HEX64,
		    "AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11" },
		  { "", "aa", "aa:bb", HEX64 "0",
		    "AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00:11:AA:BB:CC:DD:EE:FF:00-"
		    "11" } },
		{ RULE(certificate_key_is_valid), { HEX64 }, { "", HEX40, HEX64 "0" } },
		{ RULE(ca_cert_hash_is_valid), { "sha256:" HEX64 }, { HEX64, "sha256:", "sha512:" HEX64 } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
	CHECK(hex_is_valid(HEX40, 40) && !hex_is_valid(HEX40, 39) && !hex_is_valid("0g", 2) && !hex_is_valid("", 0));
}

TEST(validate_debian)
{
	static const struct rule rules[] = {
		{ RULE(debian_package_is_valid),
		  { "libstdc++6", "a.b", "0ad" },
		  { "", "x", "-y", "a b", "A1", "a:b" } },
		{ RULE(debian_version_is_valid),
		  { "1", "1:2.3-4+deb12u1~bpo1", "0A" },
		  { "", "a1", "v1.2", "1 2", "1_2", "-1" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

TEST(validate_kubernetes)
{
	static const struct rule rules[] = {
		{ RULE(kubernetes_version_is_valid),
		  { "1.34.1", "v1.34.1", "1.0.0" },
		  { "", "v", "1.34", "1.34.01", "2.0.0", "1.34.1-rc.0", "vv1.34.1", "01.34.1", "1.12345.1" } },
		{ RULE(bootstrap_token_is_valid),
		  { "abc123.0123456789abcdef" },
		  { "", "abc123", "ABC123.0123456789abcdef", "abc123:0123456789abcdef", "abc123.0123456789abcde" } },
		{ RULE(label_key_is_valid),
		  { "a", "A.b_c-d", "example.org/a" },
		  { "", "/a", "a/", "A.org/b", "a/b/c", "-a", LABEL63 "4" } },
		{ RULE(label_value_is_valid), { "", "a", "A.b_c" }, { "a b", "-a", "a-", LABEL63 "4" } },
		{ RULE(kubelet_label_is_valid),
		  { "a", "example.org/role", "kubernetes.io/hostname", "node.kubernetes.io/x",
		    "a.kubelet.kubernetes.io/x", "notkubernetes.io/x" },
		  { "node-role.kubernetes.io/worker", "kubernetes.io/x", "a.k8s.io/x", "mynode.kubernetes.io/x" } },
		{ RULE(taint_is_valid),
		  { "a:NoSchedule", "a=:NoExecute", "example.org/a=b:PreferNoSchedule" },
		  { "", "a", "a:", "a:No", "=b:NoSchedule", "a=b c:NoSchedule", "a:b:NoSchedule" } },
		{ RULE(option_name_is_valid), { "max-pods", "v" }, { "", "--max-pods", "a=b", "a b" } },
		{ RULE(kubeadm_phase_is_valid),
		  { "addon/kube-proxy", "mark-control-plane" },
		  { "", "/a", "a/", "A", "a b" } },
		{ RULE(kubeadm_check_is_valid),
		  { "Swap", "NumCPU", "FileContent--proc-sys-net[x]" },
		  { "", "-a", "a,b" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

TEST(validate_kubernetes_release)
{
	int major = 7, minor = 7, patch = 7;

	CHECK(!kubernetes_release_parse("1", &major, &minor, &patch));
	CHECK(!kubernetes_release_parse("1.", &major, &minor, &patch));
	CHECK(!kubernetes_release_parse("1.2.", &major, &minor, &patch));
	CHECK(!kubernetes_release_parse("1.2.3.4", &major, &minor, &patch));
	CHECK(!kubernetes_release_parse("v1.2", &major, &minor, &patch));
	CHECK(major == 7 && minor == 7 && patch == 7);
	CHECK(kubernetes_release_parse("1.34", &major, &minor, &patch) && major == 1 && minor == 34 && patch == -1);
	CHECK(kubernetes_release_parse("1.20.2", &major, &minor, &patch) && major == 1 && minor == 20 && patch == 2);
}

TEST(validate_pve)
{
	static const struct rule rules[] = {
		{ RULE(pve_node_is_valid), { "pve", "Pve-1", "1a" }, { "", "-a", "a-", "a.b", "a_b", LABEL63 "4" } },
		{ RULE(pve_region_is_valid), { "eu-1", "a_b.c" }, { "", "-a", "a b", "a/b", LABEL63 "4" } },
		{ RULE(pve_token_id_is_valid),
		  { "kiln@pve!node7", "a.b@ldap-1!x-y", "ci.user@corp.example@oidc!kiln-1", "a!b@pve!c", "a#=&~@pve!c",
		    "@@pve!a" },
		  { "", "kiln", "kiln@pve", "@pve!a", "a@!b", "kiln@pve!", "kiln@pve!7", "a:b@pve!c", "a/b@pve!c",
		    "a b@pve!c", "a@pve@!c" } },
	};

	CHECK(all_hold(rules, ARRAY_SIZE(rules)));
}

static bool becomes(void (*normalize)(char **s), const char *from, const char *to)
{
	CLEANUP(free_p) char *s = xstrdup(from);

	normalize(&s);
	return !strcmp(s, to);
}

TEST(validate_normalize)
{
	CHECK(becomes(case_normalize, "aBC-1", "abc-1"));
	CHECK(becomes(endpoint_normalize, "h", "h:6443") && becomes(endpoint_normalize, "h:1", "h:1"));
	CHECK(becomes(endpoint_normalize, "[fd00::1]", "[fd00::1]:6443"));
	CHECK(becomes(endpoint_normalize, "[fd00::1]:1", "[fd00::1]:1"));
	CHECK(becomes(fingerprint_normalize, "aabb0c", "AA:BB:0C") && becomes(fingerprint_normalize, "aa:bb", "AA:BB"));
	CHECK(becomes(kubernetes_version_normalize, "1.2.3", "v1.2.3"));
	CHECK(becomes(kubernetes_version_normalize, "v1.2.3", "v1.2.3"));
}

TEST(validate_case_hint_only_for_capitals)
{
	CHECK_STR(validate_case_hint(pve_url_is_valid, "https://PVE1.example"), "; in lower case it is valid");
	CHECK_STR(validate_case_hint(endpoint_is_valid, "API.Lab.example:6443"), "; in lower case it is valid");
	CHECK_STR(validate_case_hint(endpoint_is_valid, "API_1"), "");
	CHECK_STR(validate_case_hint(endpoint_is_valid, "api"), "");
}
