// SPDX-License-Identifier: Apache-2.0
#include "service/sessions.h"

#include <spdlog/fmt/fmt.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/account.h"
#include "core/random.h"
#include "service/json.h"
#include "service/logging.h"

namespace sparekey {
namespace {

constexpr std::size_t kMostSessions = 65536;

Result<SshSession> ParseSession(const Json& object) {
  SshSession session;
  for (const auto& [name, field] :
       {std::pair{"account", &SshSession::account}, std::pair{"service", &SshSession::service},
        std::pair{"remote_host", &SshSession::remote_host}}) {
    const auto text = TextField(object, name, 1024);
    if (!text) return text.error();
    session.*field = text->value_or("");
  }
  if (!IsAccountName(session.account)) return Invalid("\"account\" is no account name");
  return session;
}

std::optional<SshSession> ReadSession(const std::filesystem::path& path) {
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
  session->pid = static_cast<pid_t>(**pid);
  session->start_time = static_cast<std::uint64_t>(**start);
  return *session;
}

bool WriteSession(const std::string& path, const SshSession& session) {
  const std::string draft = path + ".new";
  std::ofstream file(draft, std::ios::trunc);
  file << Json{{"account", session.account},
               {"service", session.service},
               {"remote_host", session.remote_host},
               {"pid", session.pid},
               {"start_time", session.start_time}}
              .dump(-1, ' ', false, Json::error_handler_t::replace);
  file.close();
  return file.good() && rename(draft.c_str(), path.c_str()) == 0;
}

bool IsAlive(const SshSession& session) { return ReadStartTime(session.pid) == session.start_time; }

}  // namespace

std::optional<std::uint64_t> ReadStartTime(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text, '\0');
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(name_end + 1));
  std::string field;
  for (int number = 3; number < 22; ++number) rest >> field;
  std::uint64_t start = 0;
  if (!(rest >> start)) return std::nullopt;
  return start;
}

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

std::optional<SshSession> Sessions::Begin(const HttpRequest& request, Respond respond) {
  const auto object = ParseObject(request.body);
  if (!object) return respond(Problem(object.error())), std::nullopt;
  auto session = ParseSession(*object);
  if (!session) return respond(Problem(session.error())), std::nullopt;
  const auto start = ReadStartTime(request.peer.pid);
  if (!start) return respond(Problem(Invalid("the calling process is gone"))), std::nullopt;
  if (sessions_.size() >= kMostSessions) ForgetDead();
  if (sessions_.size() >= kMostSessions) {
    return respond(Problem({ErrorCode::kBusy, "too many sessions"})), std::nullopt;
  }
  session->id = RandomHex(16);
  session->pid = request.peer.pid;
  session->start_time = *start;
  if (!WriteSession(PathOf(session->id), *session)) {
    respond(Problem({ErrorCode::kUnavailable, "cannot write " + PathOf(session->id)}));
    return std::nullopt;
  }
  sessions_.emplace(session->id, *session);
  respond(Reply(201, {{"session", session->id}}));
  return *session;
}

void Sessions::SetAccount(const std::string& id, const std::string& account) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second.account == account) return;
  found->second.account = account;
  if (WriteSession(PathOf(id), found->second)) return;
  Log(LogLevel::kWarning, "session account=" + EscapeForLog(account) + " could not be kept");
}

void Sessions::End(const std::string& id, Respond respond) {
  if (sessions_.erase(id) == 0) {
    return respond(Problem({ErrorCode::kNotFound, "there is no such session"}));
  }
  unlink(PathOf(id).c_str());
  respond(HttpResponse{204, {}, ""});
}

void Sessions::EndAll(const std::string& account) {
  ForgetDead();
  for (const auto& [id, session] : sessions_) {
    if (!account.empty() && session.account != account) continue;
    // By number: glibc 2.36 declares the functions without C linkage.
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, session.pid, 0));
    // The pidfd first, then who it is: a pid that was given to somebody else is left alone.
    const bool ended = pidfd >= 0 && IsAlive(session) &&
                       syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, nullptr, 0) == 0;
    if (pidfd >= 0) close(pidfd);
    Log(ended ? LogLevel::kInfo : LogLevel::kWarning,
        fmt::format("session account={} pid={} {}", EscapeForLog(session.account), session.pid,
                    ended ? "ended" : "could not be ended"));
  }
}

std::size_t Sessions::Count() {
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
