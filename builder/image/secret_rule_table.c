/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/image/secret_rule.h"

#include "lib/macro.h"

#define LOGIN "allows logins"
#define PASSWORD "has a password"
#define TOKEN "has a token"
#define NODE "is a cluster's or a node's credential"

const struct secret_rule secret_rules[] = {
	/* ways to log in */
	{ FAULT_AUTHORIZED_KEY, "*/authorized_keys*", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "*/authorized_keys.d/*", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "*/.rhosts", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "*/.shosts", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "/etc/hosts.equiv", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "/etc/ssh/shosts.equiv", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "*/.k5login", SECRET_LINE, NULL, LOGIN },
	{ FAULT_AUTHORIZED_KEY, "/etc/ssh/sshd_config*", SECRET_WORD, "TrustedUserCAKeys", LOGIN },
	{ FAULT_AUTHORIZED_KEY, "/etc/ssh/sshd_config*", SECRET_WORD, "AuthorizedKeysCommand", LOGIN },
	{ FAULT_AUTHORIZED_KEY, "/etc/ssh/sshd_config*", SECRET_WORD, "PermitEmptyPasswords yes", LOGIN },

	/* keys */
	{ FAULT_PRIVATE_KEY, "*", SECRET_KEY, NULL, "has a private key" },
	{ FAULT_PRIVATE_KEY, "*.p12", SECRET_EXISTS, NULL, "is a container of private keys" },
	{ FAULT_PRIVATE_KEY, "*.pfx", SECRET_EXISTS, NULL, "is a container of private keys" },
	{ FAULT_PRIVATE_KEY, "*.jks", SECRET_EXISTS, NULL, "is a container of private keys" },
	{ FAULT_PRIVATE_KEY, "*.ppk", SECRET_EXISTS, NULL, "is a private key" },
	{ FAULT_PRIVATE_KEY, "/etc/ssl/private/*", SECRET_EXISTS, NULL, "is a private key" },
	{ FAULT_PRIVATE_KEY, "*/.gnupg/private-keys-v1.d/*", SECRET_EXISTS, NULL, "is a private key" },
	{ FAULT_PRIVATE_KEY, "*/secring.gpg", SECRET_EXISTS, NULL, "has private keys" },
	{ FAULT_PRIVATE_KEY, "*.keytab", SECRET_EXISTS, NULL, "has keys of Kerberos" },
	{ FAULT_PRIVATE_KEY, "/etc/wireguard/*", SECRET_WORD, "PrivateKey", "has a private key" },
	{ FAULT_PRIVATE_KEY, "/etc/systemd/network/*", SECRET_WORD, "PrivateKey=", "has a private key" },
	{ FAULT_PRIVATE_KEY, "/etc/ipsec.secrets", SECRET_LINE, NULL, "has keys" },

	/* apt */
	{ FAULT_CREDENTIAL, "/etc/apt/auth.conf*", SECRET_LINE, NULL, "has a password for a repository" },
	{ FAULT_CREDENTIAL, "/etc/apt/*", SECRET_URL, NULL, "has a user or a password in a URL" },

	/* environment and services */
	{ FAULT_CREDENTIAL, "/etc/environment*", SECRET_ASSIGNED, NULL, "gives every program a secret" },
	{ FAULT_CREDENTIAL, "/etc/environment*", SECRET_URL, NULL, "has a user or a password in a URL" },
	{ FAULT_CREDENTIAL, "/etc/profile*", SECRET_ASSIGNED, NULL, "gives every shell a secret" },
	{ FAULT_CREDENTIAL, "/etc/profile*", SECRET_URL, NULL, "has a user or a password in a URL" },
	{ FAULT_CREDENTIAL, "/etc/default/*", SECRET_ASSIGNED, NULL, "gives a service a secret" },
	{ FAULT_CREDENTIAL, "/etc/default/*", SECRET_URL, NULL, "has a user or a password in a URL" },
	{ FAULT_CREDENTIAL, "*/systemd/system/*", SECRET_ASSIGNED, NULL, "gives a service a secret" },
	{ FAULT_CREDENTIAL, "*/systemd/system/*", SECRET_URL, NULL, "has a user or a password in a URL" },
	{ FAULT_CREDENTIAL, "/etc/systemd/*.conf", SECRET_ASSIGNED, NULL, "gives services a secret" },
	{ FAULT_CREDENTIAL, "/etc/credstore*", SECRET_EXISTS, NULL, "is a credential of services" },
	{ FAULT_CREDENTIAL, "*/.bashrc", SECRET_ASSIGNED, NULL, "gives every shell a secret" },
	{ FAULT_CREDENTIAL, "*/.profile", SECRET_ASSIGNED, NULL, "gives every shell a secret" },
	{ FAULT_CREDENTIAL, "*/.env", SECRET_ASSIGNED, NULL, "has a secret" },

	/* clients */
	{ FAULT_CREDENTIAL, "*/.netrc", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "/etc/netrc", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.authinfo", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.curlrc", SECRET_WORD, "user", PASSWORD },
	{ FAULT_CREDENTIAL, "*/.wgetrc", SECRET_WORD, "password", PASSWORD },
	{ FAULT_CREDENTIAL, "*/.git-credentials", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.gitconfig", SECRET_URL, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.pgpass", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.my.cnf", SECRET_WORD, "password", PASSWORD },
	{ FAULT_CREDENTIAL, "*/.npmrc", SECRET_WORD, "_auth", TOKEN },
	{ FAULT_CREDENTIAL, "*/.pypirc", SECRET_WORD, "password", PASSWORD },
	{ FAULT_CREDENTIAL, "*/pip.conf", SECRET_URL, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "*/.vault-token", SECRET_EXISTS, NULL, TOKEN },
	{ FAULT_CREDENTIAL, "*/.aws/credentials", SECRET_EXISTS, NULL, "has keys of a cloud" },
	{ FAULT_CREDENTIAL, "*/.config/gcloud/*", SECRET_EXISTS, NULL, "has keys of a cloud" },
	{ FAULT_CREDENTIAL, "*/.azure/*", SECRET_EXISTS, NULL, "has keys of a cloud" },
	{ FAULT_CREDENTIAL, "*/.config/gh/hosts.yml", SECRET_EXISTS, NULL, TOKEN },
	{ FAULT_CREDENTIAL, "/etc/proxychains*.conf", SECRET_URL, NULL, PASSWORD },

	/* registries */
	{ FAULT_CREDENTIAL, "*/.docker/config.json", SECRET_WORD, "\"auth\"", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "*/.docker/config.json", SECRET_WORD, "token\"", "has a token for a registry" },
	{ FAULT_CREDENTIAL, "*/.dockercfg", SECRET_WORD, "\"auth\"", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "*/containers/auth.json", SECRET_WORD, "\"auth\"", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "/var/lib/kubelet/config.json", SECRET_WORD, "\"auth\"", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "/etc/containerd/*", SECRET_ASSIGNED, NULL, "has a password for a registry" },
	{ FAULT_CREDENTIAL, "/etc/containerd/*", SECRET_WORD, "authorization", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "/etc/containerd/*", SECRET_WORD, "auth =", "has a password for a registry" },
	{ FAULT_CREDENTIAL, "/etc/containerd/*", SECRET_URL, NULL, "has a user or a password in a URL" },
	{ FAULT_CREDENTIAL, "/etc/docker/*", SECRET_URL, NULL, "has a user or a password in a URL" },

	/* clusters */
	{ FAULT_CREDENTIAL, "*/.kube/config*", SECRET_EXISTS, NULL, NODE },
	{ FAULT_CREDENTIAL, "*kubeconfig*", SECRET_WORD, "client-key", NODE },
	{ FAULT_CREDENTIAL, "*kubeconfig*", SECRET_WORD, "token:", NODE },
	{ FAULT_CREDENTIAL, "/etc/kubernetes/*", SECRET_WORD, "client-key-data", NODE },
	{ FAULT_CREDENTIAL, "/etc/kubernetes/*", SECRET_ASSIGNED, NULL, NODE },
	{ FAULT_CREDENTIAL, "/etc/nodekiln/*", SECRET_WORD, "token:", NODE },
	{ FAULT_CREDENTIAL, "/etc/rancher/*", SECRET_WORD, "token", NODE },

	/* networks and mounts */
	{ FAULT_CREDENTIAL, "/etc/wpa_supplicant/*", SECRET_WORD, "psk=", PASSWORD },
	{ FAULT_CREDENTIAL, "/etc/NetworkManager/system-connections/*", SECRET_EXISTS, NULL, "may have a password" },
	{ FAULT_CREDENTIAL, "/etc/netplan/*", SECRET_ASSIGNED, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "/etc/ppp/*-secrets", SECRET_LINE, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "/etc/fstab", SECRET_WORD, "password=", PASSWORD },
	{ FAULT_CREDENTIAL, "*/.smbcredentials", SECRET_EXISTS, NULL, PASSWORD },
	{ FAULT_CREDENTIAL, "/etc/iscsi/iscsid.conf", SECRET_WORD, "auth.password =", PASSWORD },
	{ FAULT_CREDENTIAL, "/boot/grub/*.cfg", SECRET_WORD, "password_pbkdf2", "has the hash of a password" },

	/* libraries that every program loads; /etc/ld.so.preload itself is in verify_rights.c */
	{ FAULT_PRELOAD, "/etc/environment*", SECRET_WORD, "LD_PRELOAD", "loads a library into programs" },
	{ FAULT_PRELOAD, "/etc/environment*", SECRET_WORD, "LD_AUDIT", "loads a library into programs" },
	{ FAULT_PRELOAD, "/etc/environment*", SECRET_WORD, "LD_LIBRARY_PATH", "replaces libraries of programs" },
	{ FAULT_PRELOAD, "/etc/profile*", SECRET_WORD, "LD_PRELOAD", "loads a library into programs" },
	{ FAULT_PRELOAD, "/etc/security/pam_env.conf", SECRET_WORD, "LD_PRELOAD", "loads a library into programs" },
	{ FAULT_PRELOAD, "/etc/systemd/*", SECRET_WORD, "LD_PRELOAD=", "loads a library into a service" },
	{ FAULT_PRELOAD, "/etc/default/*", SECRET_WORD, "LD_PRELOAD=", "loads a library into a service" },
};
const size_t secret_rules_count = ARRAY_SIZE(secret_rules);
