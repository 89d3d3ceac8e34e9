// SPDX-License-Identifier: Apache-2.0
#include "service/sessions.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/account.h"
#include "core/random.h"
#include "service/json.h"
#include "service/logging.h"
#include "service/session_system.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostSessions = 65536;

Result<KeptSession> ParseSession(const Json& object) {
  KeptSession session;
  for (const auto& [name, field] :
       {std::pair{"account", &KeptSession::account}, std::pair{"service", &KeptSession::service},
        std::pair{"remote_host", &KeptSession::remote_host}}) {
    const auto text = TextField(object, name, 1024);
    if (!text) return text.error();
    session.*field = text->value_or("");
  }
  if (!IsAccountName(session.account)) return Invalid("\"account\" is no account name");
  return session;
}

std::optional<KeptSession> ReadSession(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  const auto object = ParseObject(SecretBytes(text.str()));
  if (!object) return std::nullopt;
  auto session = ParseSession(*object);
  const auto pid = NumberField(*object, "pid");
  const auto start = NumberField(*object, "start_time");
  if (!session || !pid || !*pid || !start || !*start) return std::nullopt;
  session->id = path.filename();
  session->process = {static_cast<pid_t>(**pid), static_cast<std::uint64_t>(**start)};
  return *session;
}

bool WriteSession(const std::string& path, const KeptSession& session) {
  const std::string draft = path + ".new";
  std::ofstream file(draft, std::ios::trunc);
  file << Json{{"account", session.account},
               {"service", session.service},
               {"remote_host", session.remote_host},
               {"pid", session.process.pid},
               {"start_time", session.process.start_time}}
              .dump(-1, ' ', false, Json::error_handler_t::replace);
  file.close();
  return file.good() && rename(draft.c_str(), path.c_str()) == 0;
}

bool IsAlive(const KeptSession& session) { return MayLive(session.process); }

}  // namespace

Sessions::Sessions(std::string folder) : folder_(std::move(folder)) {
  mkdir(folder_.c_str(), 0700);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    auto session = ReadSession(entry.path());
    if (session) sessions_.emplace(session->id, *session);
    if (!session) unlink(entry.path().c_str());
  }
  ForgetDead();
}

std::string Sessions::PathOf(const std::string& id) const { return folder_ + "/" + id; }

std::optional<KeptSession> Sessions::Begin(const HttpRequest& request, Respond respond) {
  const auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error())), std::nullopt;
  auto session = ParseSession(*object);
  if (!session) return respond(Problem(session.error())), std::nullopt;
  const auto start = ReadStartTime(request.peer.pid);
  if (!start) return respond(Problem(Invalid("the calling process is gone"))), std::nullopt;
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= kMostSessions) ForgetDead();
  if (sessions_.size() >= kMostSessions) {
    return respond(Problem({ErrorCode::kBusy, "too many sessions"})), std::nullopt;
  }
  session->id = RandomHex(16);
  session->process = {request.peer.pid, *start};
  if (!WriteSession(PathOf(session->id), *session)) {
    respond(Problem({ErrorCode::kUnavailable, "cannot write " + PathOf(session->id)}));
    return std::nullopt;
  }
  sessions_.emplace(session->id, *session);
  respond(Reply(201, {{"session", session->id}}));
  return *session;
}

void Sessions::SetAccount(const std::string& id, const std::string& account) {
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.account == account) return;
  found->second.account = account;
  if (WriteSession(PathOf(id), found->second)) return;
  Log(LogLevel::kWarning, "session account=" + EscapeForLog(account) + " could not be kept");
}

void Sessions::End(const std::string& id, Respond respond) {
  if (const std::lock_guard lock(mutex_); sessions_.erase(id) == 0) {
    return respond(Problem({ErrorCode::kNotFound, "there is no such session"}));
  }
  unlink(PathOf(id).c_str());
  respond(HttpResponse{204, {}, ""});
}

std::vector<KnownSession> Sessions::List() {
  std::vector<KnownSession> list;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, session] : sessions_) list.push_back({session.process, session.account});
  }
  std::erase_if(list, [](const KnownSession& session) { return !MayLive(session.process); });
  return list;
}

std::size_t Sessions::Count() {
  const std::lock_guard lock(mutex_);
  ForgetDead();
  return sessions_.size();
}

void Sessions::ForgetDead() {
  std::erase_if(sessions_, [this](const auto& entry) {
    if (IsAlive(entry.second)) return false;
    unlink(PathOf(entry.first).c_str());
    return true;
  });
}

}  // namespace sparekey
