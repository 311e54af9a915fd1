/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as SARIF, which code hosts and CI systems show. A result's physical location is the artifact's file; the path in the image is
 * its logical location. */
#include "builder/image/fault.h"

#define SARIF_SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

/* {"KEY": {"text": TEXT}} */
static void put_message(struct json *object, const char *key, const char *text)
{
	struct json *message = json_object();

	json_put_string(message, "text", text);
	json_put(object, key, message);
}

static struct json *one_element(struct json *value)
{
	struct json *array = json_array();

	json_push(array, value);
	return array;
}

static struct json *location_json(const char *file, const char *path)
{
	struct json *artifact = json_object(), *physical = json_object(), *location = json_object();

	json_put_string(artifact, "uri", file);
	json_put(physical, "artifactLocation", artifact);
	json_put(location, "physicalLocation", physical);
	if (path) {
		struct json *logical = json_object();
		json_put_string(logical, "fullyQualifiedName", path);
		json_put_string(logical, "kind", "resource");
		json_put(location, "logicalLocations", one_element(logical));
	}
	return location;
}

void faults_sarif_results(const struct faults *f, const char *file, struct json *results)
{
	for (size_t i = 0; i < f->list.n; i++) {
		const struct fault *finding = &f->list.at[i];
		struct json *result = json_object();
		json_put_string(result, "ruleId", fault_kinds[finding->id].name);
		json_put_int(result, "ruleIndex", finding->id);
		json_put_string(result, "level", fault_severity_names[fault_kinds[finding->id].severity]);
		put_message(result, "message", finding->text);
		json_put(result, "locations", one_element(location_json(file, finding->path)));
		if (finding->accepted) {
			struct json *suppression = json_object();
			json_put_string(suppression, "kind", "external");
			json_put(result, "suppressions", one_element(suppression));
		}
		json_push(results, result);
	}
}

static struct json *rules_json(void)
{
	struct json *rules = json_array();

	for (size_t i = 0; i < FAULT_KINDS; i++) {
		struct json *rule = json_object(), *configuration = json_object();
		json_put_string(rule, "id", fault_kinds[i].name);
		put_message(rule, "shortDescription", fault_kinds[i].about);
		json_put_string(configuration, "level", fault_severity_names[fault_kinds[i].severity]);
		json_put(rule, "defaultConfiguration", configuration);
		json_push(rules, rule);
	}
	return rules;
}

struct json *faults_sarif_log(struct json *results)
{
	struct json *log = json_object(), *run = json_object(), *tool = json_object(), *driver = json_object();

	json_put_string(driver, "name", "nodekiln");
	json_put_string(driver, "fullName", "nodekiln " NODEKILN_VERSION);
	json_put(driver, "rules", rules_json());
	json_put(tool, "driver", driver);
	json_put(run, "tool", tool);
	json_put(run, "results", results);
	json_put_string(log, "$schema", SARIF_SCHEMA);
	json_put_string(log, "version", "2.1.0");
	json_put(log, "runs", one_element(run));
	return log;
}
