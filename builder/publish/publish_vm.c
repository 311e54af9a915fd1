/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/publish/publish_vm.h"

#include <string.h>

#include "lib/clock.h"

#define NOTES_WORDS_MAX 1500 /* bytes of the image's description and warning; PVE takes 8192 characters of notes */

PRINTF(3, 4) static void add(struct publish_params *p, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strings_own(&p->values, xvasprintf(fmt, ap));
	va_end(ap);
	p->at[p->n++] = (struct pve_param){ name, p->values.at[p->values.n - 1] };
}

static void add_words(struct text *notes, const char *before, const char *words)
{
	if (words)
		text_addf(notes, "\n\n%s%.*s", before, NOTES_WORDS_MAX, words);
}

static char *notes_of(const struct publish_order *o, long vmid, int64_t source, const char *uuid)
{
	CLEANUP(text_done) struct text words = { 0 };
	char settings[PUBLISH_NOTES_HASH + 1], date[CLOCK_TEXT_MAX];
	struct publish_notes p = {
		.image = o->image->name,
		.version = o->image->version,
		.firmware = o->firmware,
		.vmid = vmid,
		.settings = settings,
		.source = source,
		.published = (char *)clock_text(o->now, date),
		.node = (char *)o->node,
		.pool = o->target->pool,
		.uuid = (char *)uuid,
	};

	publish_settings(o, settings);
	memcpy(p.sha256, o->image->vm.sha256, SHA256_HEX);
	if (o->image->ct.path)
		memcpy(p.ct, o->image->ct.sha256, SHA256_HEX);
	text_addf(&words, "%s %s, a template made by nodekiln. Clone it; `nodekiln publish` may replace it.", p.image,
		  p.version);
	add_words(&words, "", o->image->description);
	add_words(&words, "**Warning:** ", o->image->warning);
	return publish_notes_print(&p, o->target->notes_key, words.data);
}

static void add_firmware(const struct publish_order *o, struct publish_params *p)
{
	if (o->firmware != FIRMWARE_UEFI)
		return;
	add(p, "bios", "ovmf");
	add(p, "machine", "q35");
	add(p, "efidisk0", "%s:1,efitype=4m,pre-enrolled-keys=0", o->storages->disks);
}

/* On SCSI too: every kernel drives it, and OVMF enables no IDE channel that is not in the boot order. */
static void add_disks(const struct publish_order *o, struct publish_params *p)
{
	const struct target_storages *t = o->storages;

	add(p, "scsihw", "virtio-scsi-single");
	add(p, "scsi0", "%s:0,import-from=%s:import/%s,discard=on,iothread=1", t->disks, t->import,
	    o->image->vm.volume);
	add(p, "scsi1", "%s:cloudinit", t->disks);
	add(p, "boot", "order=scsi0");
}

/* mtu=1: the bridge's or VNet's. Proxmox VE 8 gives 1500 otherwise, and a VXLAN of 1450 then drops what is larger. */
static void add_network(const struct publish_order *o, struct publish_params *p)
{
	CLEANUP(free_p) char *vlan = o->target->vlan ? xasprintf(",tag=%ld", o->target->vlan) : xstrdup("");

	add(p, "net0", "virtio,bridge=%s%s,mtu=1", o->target->bridge, vlan);
	add(p, "ipconfig0", "ip=dhcp");
}

void publish_vm_params(const struct publish_order *o, long vmid, int64_t source, const char *uuid,
		       struct publish_params *ret)
{
	CLEANUP(free_p) char *name = publish_notes_name(o->image->stem, o->firmware);
	CLEANUP(free_p) char *notes = notes_of(o, vmid, source, uuid);

	add(ret, "vmid", "%ld", vmid);
	add(ret, "name", "%s", name);
	add(ret, "description", "%s", notes);
	if (o->target->pool)
		add(ret, "pool", "%s", o->target->pool);
	add(ret, "ostype", "l26");
	add(ret, "smbios1", "uuid=%s", uuid);
	add(ret, "memory", "2048");
	add(ret, "cores", "2");
	add(ret, "cpu", "x86-64-v2-AES");
	add_disks(o, ret);
	add_firmware(o, ret);
	add_network(o, ret);
	add(ret, "serial0", "socket");
	add(ret, "vga", "serial0");
	add(ret, "agent", "enabled=1");
}

void publish_params_done(struct publish_params *params)
{
	strings_done(&params->values);
	*params = (struct publish_params){ 0 };
}
