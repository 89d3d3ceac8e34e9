// SPDX-License-Identifier: Apache-2.0
#include "cli/console_place.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <thread>
#include <utility>

#include "cli/local_users.h"
#include "cli/prompt.h"
#include "cli/store_holder.h"
#include "cli/text.h"
#include "core/sqlite_store.h"
#include "core/store_files.h"
#include "core/store_schema.h"
#include "service/logging.h"
#include "service/routes_on_store.h"

namespace sparekey {
namespace {

constexpr std::chrono::milliseconds kDeadline{4000};
// For one that hung a moment ago.
constexpr std::chrono::milliseconds kShortDeadline{1000};
// A killed service may be started again before the store is ours.
constexpr int kRounds = 3;
// How long a busy service is asked again, and how often.
constexpr std::chrono::seconds kPatience{15};
constexpr std::chrono::milliseconds kPause{250};
// A service that took connections, gave no answer and does not hold the store is not asked again
// for as long as this.
constexpr std::chrono::seconds kSilence{60};

// Only passwd(5) and group(5) are asked: a directory may hang.
Result<std::optional<Identity>> AskFiles(const Config& config, const std::string& name) {
  std::optional<Identity> identity;
  if (!IsAccountName(name)) return identity;
  if (config.accounts == AccountNames::kAny) {
    const auto& all = config.admin_accounts;
    identity = Identity{name, kNoUid, {}, std::find(all.begin(), all.end(), name) != all.end()};
    return identity;
  }
  System files;
  files.now = ReadClock();
  const LocalUsers users(files);
  for (const LocalUser& user : users.all()) {
    if (user.name != name) continue;
    identity = Identity{name, user.uid, users.GroupsOf(user)};
    break;
  }
  return identity;
}

std::string HostName(bool mounted) {
  std::string name;
  if (mounted) std::getline(std::ifstream("/etc/hostname"), name);
  if (!name.empty()) return Escape(name);
  std::array<char, 256> own{};
  return gethostname(own.data(), own.size() - 1) == 0 ? own.data() : "localhost";
}

// A missing file is no missing account, and wrong modes are no lack of rights.
Error CannotOpen(Error error) {
  if (error.code == ErrorCode::kNotFound || error.code == ErrorCode::kDamaged) {
    error.message += "; where that cannot be mended: sparekey console reset --new-key";
  }
  if (error.code != ErrorCode::kConflict) error.code = ErrorCode::kUnavailable;
  return error;
}

Result<std::unique_ptr<RoutesOnStore>> OpenStore(const Config& config, bool mounted) {
  // Beside the machine's own sparekeyd another one ends no sessions but those it was told of.
  const bool of_the_machine = !mounted && config.socket == kDefaultSocket;
  const auto ask = [&config](const std::string& name) { return AskFiles(config, name); };
  return RoutesOnStore::Open(config, {HostName(mounted), ask, of_the_machine});
}

// Anything else than a fault of the disk is not mended by room. What cannot be made on a disk that
// has no room for files is not always told as that.
bool NeedsRoom(Error& error, const std::string& state_dir) {
  if (error.code != ErrorCode::kUnavailable || !IsDiskFull(state_dir)) return false;
  if (!RefuseNewer(StorePath(state_dir, kStoreFile)).ok()) return false;
  if (error.message.find("is full") == std::string::npos) error.message += "; its disk is full";
  return true;
}

Answer Failed(const Error& error) {
  Answer answer;
  answer.failure = FailureOf(error);
  return answer;
}

Answer CallRoutes(RoutesOnStore& routes, std::string_view method, const std::string& target,
                  const SecretJson& body) {
  SecretBytes sent;
  if (!body.Expose().is_null()) {
    std::string text = body.Expose().dump(-1, ' ', false, Json::error_handler_t::replace);
    sent = SecretBytes(std::string_view(text));
    Wipe(std::span<char>(text));
  }
  HttpResponse response = routes.Call(std::string(method), target, std::move(sent));
  return AnswerOf(response.status, response.body.ExposeText());
}

// A service that gives no answer, or says that it cannot, must not stand in the way of a reset.
bool IsServiceAtFault(const Failure& failure, const std::string& target) {
  const bool for_console_only = target.starts_with("/v1/console/");
  if (!failure.answered || failure.code == "unavailable") return true;
  // Elsewhere it is the account's own record that is damaged.
  return for_console_only && (failure.code == "busy" || failure.code == "damaged");
}

}  // namespace

ConsolePlace::ConsolePlace(const Config& config, bool mounted)
    : config_(config), mounted_(mounted) {
  const SignalsHeld held;
  // What the routes log on a store of this process; the screen is the person's.
  SetUpLog("sparekey", LogTarget::kSyslog, LogLevel::kWarning);
}

ConsolePlace::~ConsolePlace() { FlushLog(); }

Answer ConsolePlace::Send(std::string_view method, const std::string& target,
                          const SecretJson& body) {
  const Call call = [&](Api* api, RoutesOnStore* routes) {
    return api != nullptr ? api->Send(method, target, body, Deadline())
                          : CallRoutes(*routes, method, target, body);
  };
  in_doubt_ = false;
  Answer answer;
  for (int round = 0; round < kRounds; ++round) {
    std::string_view why;
    if (!mounted_ && !IsSilent()) {
      answer = AskService(call);
      if (answer.ok() || !IsServiceAtFault(*answer.failure, target)) return answer;
      in_doubt_ = in_doubt_ || !answer.failure->answered;
      SayFault(*answer.failure);
      why = answer.failure->answered ? kUnable : kNoAnswer;
    }
    auto store = TakeStore(why);
    if (store.ok()) return RunOnStore(**store, call);
    answer = Failed(store.error());
    if (store.error().code != ErrorCode::kConflict) return answer;
  }
  return answer;
}

Answer ConsolePlace::Look(const std::string& target) {
  const SecretJson nothing;
  needs_room_ = false;
  if (!mounted_ && !IsSilent()) {
    const Moment began = std::chrono::steady_clock::now();
    Answer answer = Api(config_.socket).Get(target, Deadline());
    FindService(answer, began);
    if (!answer.failure || answer.failure->answered) return answer;
    if (service_ == Service::kHanging) return answer;
  }
  const auto store = OpenStore(config_, mounted_);
  if (!store.ok()) {
    Error error = store.error();
    needs_room_ = NeedsRoom(error, config_.state_dir) && HasReserve(config_.state_dir);
    return Failed(CannotOpen(error));
  }
  return CallRoutes(**store, "GET", target, nothing);
}

std::chrono::milliseconds ConsolePlace::Deadline() const {
  return service_ == Service::kHanging ? kShortDeadline : kDeadline;
}

// A full queue, or SSH sessions that are being ended, pass soon.
Answer ConsolePlace::Insist(const std::function<Answer()>& call,
                            const std::function<void()>& pause) {
  const Moment end = std::chrono::steady_clock::now() + kPatience;
  Answer answer = call();
  bool said = false;
  while (answer.failure && answer.failure->code == "busy" &&
         std::chrono::steady_clock::now() < end) {
    if (!std::exchange(said, true)) Say(Fold("Busy (" + answer.failure->message + "): waiting"));
    pause();
    answer = call();
  }
  const bool full = answer.failure && answer.failure->code == "unavailable";
  if (full && answer.failure->answered && MakeRoomOnFullDisk(config_.state_dir)) answer = call();
  return answer;
}

Answer ConsolePlace::AskService(const Call& call) {
  Api api(config_.socket);
  Moment began;
  Answer answer = Insist(
      [&] {
        began = std::chrono::steady_clock::now();
        return call(&api, nullptr);
      },
      [] { std::this_thread::sleep_for(kPause); });
  FindService(answer, began);
  return answer;
}

Answer ConsolePlace::RunOnStore(RoutesOnStore& routes, const Call& call) {
  return Insist([&] { return call(nullptr, &routes); }, [&] { routes.Wait(kPause); });
}

void ConsolePlace::FindService(const Answer& answer, Moment began) {
  holder_.clear();
  service_ = Service::kUp;
  if (!answer.failure || answer.failure->answered) return;
  const auto holder = FindStoreOwner(config_.state_dir);
  service_ = holder ? Service::kHanging : Service::kDown;
  if (holder) holder_ = DescribeHolder(*holder);
  const auto now = std::chrono::steady_clock::now();
  if (!holder && now - began >= kDeadline / 2) silent_until_ = now + kSilence;
}

void ConsolePlace::SayFault(const Failure& failure) {
  if (failure.answered) {
    Say(Fold("The service cannot do it: " + failure.message));
  } else if (service_ != Service::kHanging && !std::exchange(said_unanswered_, true)) {
    Say("The service does not answer: this is done on the store itself.");
  }
}

// Where a process holds the store, shows it and ends it if that is wanted.
Result<std::unique_ptr<RoutesOnStore>> ConsolePlace::TakeStore(std::string_view why) {
  const Status freed = OfferToEndHolder(config_.state_dir, why);
  if (!freed.ok()) return freed.error();
  auto store = OpenStore(config_, mounted_);
  if (store.ok()) return store;
  Error error = store.error();
  if (!NeedsRoom(error, config_.state_dir)) return CannotOpen(error);
  if (!MakeRoomOnFullDisk(config_.state_dir)) return error;
  store = OpenStore(config_, mounted_);
  if (!store.ok()) return CannotOpen(store.error());
  return store;
}

Status OfferToEndHolder(const std::string& state_dir, std::string_view why) {
  const auto holder = FindStoreOwner(state_dir);
  if (!holder) return Ok();
  const std::string held = "he store is held by " + DescribeHolder(*holder) + '.';
  Say(Fold(why.empty() ? "T" + held : std::string(why) + ", and t" + held));
  if (!IsYesTyped("End this process and go on? Type YES: ")) {
    return Error{ErrorCode::kUnavailable, "the store is in use; nothing was changed"};
  }
  return EndHolder(state_dir, *holder);
}

}  // namespace sparekey
