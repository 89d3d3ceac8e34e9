// SPDX-License-Identifier: Apache-2.0
// settings show, get, set.
#include "cli/commands.h"
#include "cli/context.h"

namespace sparekey {
namespace {

std::string SettingsText(const Json& reply) {
  std::vector<std::vector<std::string>> rows = {
      {"SETTING", "VALUE", "DEFAULT", "RANGE", "MEANING"}};
  for (const Json& setting : ListOf(reply, "settings")) {
    rows.push_back({TextOf(setting, "name"), TextOf(setting, "value"), TextOf(setting, "default"),
                    TextOf(setting, "range"), TextOf(setting, "meaning")});
  }
  return Table(rows);
}

// KEY=VALUE… as the API's object.
Result<Json> ParseAssignments(const std::vector<std::string>& words) {
  Json changes = Json::object();
  for (const std::string& word : words) {
    const std::size_t equal = word.find('=');
    if (equal == 0 || equal == std::string::npos) {
      return Invalid("KEY=VALUE: '" + Escape(word) + "' is not of this form");
    }
    const std::string key = word.substr(0, equal);
    if (changes.contains(key)) return Invalid("KEY=VALUE: '" + Escape(key) + "' is given twice");
    changes[key] = word.substr(equal + 1);
  }
  return changes;
}

}  // namespace

int RunSettingsShow(Context& context, const Invocation&) {
  Api api = context.OpenApi();
  const Answer answer = api.Get("/v1/settings");
  if (!answer.ok()) return Fail(context, *answer.failure);
  return Finish(context, answer.body.Expose(), SettingsText(answer.body.Expose()));
}

int RunSettingsGet(Context& context, const Invocation& invocation) {
  Api api = context.OpenApi();
  const Answer answer = api.Get("/v1/settings");
  if (!answer.ok()) return Fail(context, *answer.failure);
  for (const Json& setting : ListOf(answer.body.Expose(), "settings")) {
    if (TextOf(setting, "name") != invocation.First()) continue;
    return Finish(context, setting, Escape(TextOf(setting, "value")) + '\n');
  }
  return Fail(context, Invalid("KEY: there is no setting '" + std::string(invocation.First()) +
                               "'; see: sparekey settings show"));
}

int RunSettingsSet(Context& context, const Invocation& invocation) {
  const Result<Json> changes = ParseAssignments(invocation.arguments);
  if (!changes.ok()) return Fail(context, changes.error());
  Api api = context.OpenApi();
  const Answer answer = api.Send("PATCH", "/v1/settings", SecretJson(*changes));
  if (!answer.ok()) return Fail(context, *answer.failure);
  std::string text;
  for (const Json& setting : ListOf(answer.body.Expose(), "settings")) {
    const std::string name = TextOf(setting, "name");
    if (changes->contains(name)) text += name + '=' + Escape(TextOf(setting, "value")) + '\n';
  }
  return Finish(context, answer.body.Expose(), text);
}

}  // namespace sparekey
