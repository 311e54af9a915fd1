/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/pve/pve_identity.h"

#include "tests/unit/check.h"

TEST(pve_identity_of_guests)
{
	static const struct {
		const char *config, *is; /* NULL = none */
		enum pve_kind kind;
	} cases[] = {
		{ "{\"smbios1\":\"uuid=6F2A2F0E-3C41-4B0F-9D7E-0A1B2C3D4E5F\"}", "6f2a2f0e-3c41-4b0f-9d7e-0a1b2c3d4e5f",
		  PVE_QEMU },
		{ "{\"smbios1\":\"base64=1,serial=uuid=x,uuid=a,sku=b\"}", "a", PVE_QEMU },
		{ "{\"smbios1\":\"serial=a\"}", NULL, PVE_QEMU },
		{ "{\"smbios1\":\"uuidx=a\"}", NULL, PVE_QEMU },
		{ "{\"smbios1\":\"\"}", NULL, PVE_QEMU },
		{ "{\"smbios1\":7}", NULL, PVE_QEMU },
		{ "{}", NULL, PVE_QEMU },
		{ "{\"net0\":\"name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp,type=veth\"}",
		  "bc:24:11:00:00:01", PVE_LXC },
		{ "{\"net0\":\"name=eth0\",\"smbios1\":\"uuid=a\"}", NULL, PVE_LXC },
	};
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(json_free_p) struct json *config = NULL;
		CHECK(json_parse("x", cases[i].config, strlen(cases[i].config), &config, &err) == 0);
		CLEANUP(free_p) char *is = pve_identity(config, cases[i].kind);
		CHECK_STR(is ? is : "none", cases[i].is ? cases[i].is : "none");
	}
}
