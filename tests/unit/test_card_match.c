/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/card_match.h"
#include "tests/unit/fake_root.h"

#define HEADER "# This file is generated\n"
#define STATIC "[Network]\nDHCP=no\n\n[Address]\nAddress=192.0.2.10/24\n"
#define DHCP "[Network]\nDHCP=ipv4\n"

/* ens18 and ens19, whatever order a directory lists them in. */
static struct cards two_cards(void)
{
	struct cards cards = { 0 };

	vec_push(&cards, (struct card){ .name = xstrdup("ens18") });
	vec_push(&cards, (struct card){ .name = xstrdup("ens19") });
	return cards;
}

TEST(card_match_finds_the_card_that_is_meant)
{
	static const struct {
		const char *network, *card, *absent;
	} cases[] = {
		/* A static address is one card's. */
		{ HEADER "[Match]\nName=e*\n\n" STATIC, "ens18", NULL },
		{ "[Match]\nName=en*9\n" STATIC, "ens19", NULL },
		{ "[Match]\n Name = * \n" STATIC, "ens18", NULL },
		{ "[Match]\nName=e*\n" DHCP, NULL, NULL },
		/* The N-th card, where none has this name. */
		{ "[Match]\nName=eth0\n" STATIC, "ens18", NULL },
		{ "[Match]\nName=eth1\n" DHCP, "ens19", NULL },
		{ "[Match]\nName=eth2\n" DHCP, NULL, "eth2" },
		{ "[Match]\nName=eth0x\n" DHCP, NULL, "eth0x" },
		{ "[Match]\nName=eth\n" DHCP, NULL, "eth" },
		{ "[Match]\nName=eth99999999999999999999\n" DHCP, NULL, "eth99999999999999999999" },
		/* Names of cards, and what says more than a name. */
		{ "[Match]\nName=ens19\n" STATIC, NULL, NULL },
		{ "[Match]\nName=ens7\n" STATIC, NULL, "ens7" },
		{ "[Match]\nMACAddress=bc:24:11:00:00:01\nName=eth0\n" STATIC, NULL, NULL },
		{ "[Match]\nName=eth0\nMACAddress=bc:24:11:00:00:01\n" STATIC, NULL, NULL },
		{ "[Match]\nName=eth0 eth1\n" DHCP, NULL, NULL },
		{ "[Match]\nName=!ens18\n" DHCP, NULL, NULL },
		{ "[Match]\nDriver=virtio_net\n" STATIC, NULL, NULL },
		{ "", NULL, NULL },
		{ "[Match]", NULL, NULL },
		{ "Name=eth0\n[Network]\nName=eth1\nAddress\n", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(cards_done) struct cards cards = two_cards();
		const struct card *card = card_match_find(&cards, cases[i].network);
		CLEANUP(free_p) char *absent = card_match_absent(&cards, cases[i].network);

		if (!text_same(card ? card->name : NULL, cases[i].card) || !text_same(absent, cases[i].absent))
			printf("# case %zu: card %s, absent %s\n", i, card ? card->name : "none",
			       absent ? absent : "none");
		CHECK(text_same(card ? card->name : NULL, cases[i].card));
		CHECK(text_same(absent, cases[i].absent));
	}
}

/* A card as sysfs has it: a link into the directory of its device. */
static void put_card(const char *root, const char *name, const char *place, const char *mac)
{
	CLEANUP(free_p) char *type = xasprintf("/sys/devices/%s/net/%s/type", place, name);
	CLEANUP(free_p) char *address = xasprintf("/sys/devices/%s/net/%s/address", place, name);
	CLEANUP(free_p) char *device = xasprintf("/sys/devices/%s/net/%s/device/vendor", place, name);
	CLEANUP(free_p) char *link = xasprintf("%s/sys/class/net/%s", root, name);
	CLEANUP(free_p) char *target = xasprintf("../../devices/%s/net/%s", place, name);

	fake_put(root, type, "1\n");
	fake_put(root, address, mac);
	fake_put(root, device, "0x1af4\n");
	fake_put(root, "/sys/class/net/lo/type", "772\n");
	CHECK(symlink(target, link) == 0);
}

TEST(card_match_numbers_cards_by_their_places)
{
	FAKE_ROOT();
	CLEANUP(close_p) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP(cards_done) struct cards cards = { 0 };

	put_card(path, "ens18", "pci0000:00/0000:00:1e.0/0000:01:12.0/virtio3", "BC:24:11:00:00:00\n");
	put_card(path, "eno9", "pci0000:00/0000:00:1e.0/0000:01:13.0/virtio1", "bc:24:11:00:00:01\n");
	put_card(path, "ens1", "pci0000:00/0000:00:1f.0/0000:02:01.0/virtio2", "bc:24:11:00:00:02\n");
	cards_read(fd, false, &cards);
	CHECK(cards.n == 3);
	CHECK_STR(cards.at[0].name, "ens18");
	CHECK_STR(cards.at[0].mac, "bc:24:11:00:00:00");
	CHECK_STR(cards.at[1].name, "eno9");
	CHECK_STR(cards.at[2].name, "ens1");
	FAKE_ROOT_END();
}

#define ETC "/etc/systemd/network/"
#define RUN "/run/systemd/network/"

TEST(card_match_writes_drop_ins_for_cloud_inits_files_alone)
{
	FAKE_ROOT();
	put_card(path, "ens18", "pci0000:00/0000:00:12.0/virtio3", "bc:24:11:00:00:00\n");
	put_card(path, "ens19", "pci0000:00/0000:00:13.0/virtio4", "bc:24:11:00:00:01\n");
	fake_put(path, ETC "10-cloud-init-e*.network", "[Match]\nName=e*\n" STATIC);
	fake_put(path, RUN "10-cloud-init-eth1.network", "[Match]\nName=eth1\n" DHCP);
	fake_put(path, ETC "10-cloud-init-ens19.network", "[Match]\nName=ens19\n" DHCP);
	fake_put(path, ETC "20-own.network", "[Match]\nName=e*\n" STATIC);
	CHECK(card_match(path, &err) == 0);
	CLEANUP(free_p) char *first = fake_get(path, RUN "10-cloud-init-e*.network.d/50-nodekiln.conf");
	CLEANUP(free_p) char *second = fake_get(path, RUN "10-cloud-init-eth1.network.d/50-nodekiln.conf");
	CHECK_STR(first, "[Match]\nName=\nName=ens18\n");
	CHECK_STR(second, "[Match]\nName=\nName=ens19\n");
	CHECK(!fake_has(path, RUN "10-cloud-init-ens19.network.d") && !fake_has(path, RUN "20-own.network.d"));
	FAKE_ROOT_END();
}

TEST(card_match_needs_no_files_and_no_cards)
{
	FAKE_ROOT();
	CHECK(card_match(path, &err) == 0);
	fake_put(path, ETC "10-cloud-init-eth0.network", "[Match]\nName=eth0\n" STATIC);
	CHECK(card_match(path, &err) == 0);
	CHECK(!fake_has(path, RUN));
	FAKE_ROOT_END();
}
