// SPDX-License-Identifier: Apache-2.0
// sparekeyd: the only process with the key and the store. Checks its surroundings, refuses with one
// clear line, or serves until SIGTERM.
#include <unistd.h>

#include <array>
#include <boost/program_options.hpp>
#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string_view>
#include <thread>

#include "core/sqlite_store.h"
#include "service/alerts.h"
#include "service/config.h"
#include "service/hardening.h"
#include "service/logging.h"
#include "service/notify.h"
#include "service/notify_cursor.h"
#include "service/routes.h"
#include "service/sockets.h"
#include "version.h"

namespace sparekey {
namespace {

namespace po = boost::program_options;

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;
constexpr std::size_t kHashThreads = 2;
constexpr std::size_t kHashesWaiting = 64;
constexpr std::chrono::seconds kDirectoryDeadline{1};
constexpr PoolLimits kSelfLimits{2, 64};
constexpr std::chrono::hours kHouseKeeping{1};
constexpr std::chrono::minutes kMigrationTime{10};  // of a store of an older version
constexpr char kNotifyCursor[] = "notify.cursor";

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::unique_ptr<Directory> MakeDirectory(const Config& config, ServerThread server, bool privileged,
                                         PoolLimits limits = {}) {
  if (config.accounts == AccountNames::kAny) {
    return MakeAnyDirectory(std::move(server), config.admin_accounts);
  }
  auto system = MakeNssDirectory(std::move(server), kDirectoryDeadline, AskNss, limits);
  return privileged ? std::move(system) : MakeOwnDirectory(std::move(system), geteuid());
}

// Its threads use what ends before it.
struct StopAtEnd {
  Routes& routes;
  ~StopAtEnd() { routes.Stop(); }
};

Status Serve(const Config& config) {
  if (const Status hardened = HardenProcess(); !hardened) return hardened.error();
  auto key = MasterKey::Load(config.master_key);
  if (!key) return key.error();
  const SecretBytes code_key = DeriveCodeKey(*key);
  NotifySettings notify;
  notify.store = NameStore(*key);
  NotifyStarting(kMigrationTime);
  auto store = OpenSqliteStore(config.state_dir, std::move(*key));
  if (!store) return store.error();
  auto sockets = OpenSockets(config.PamSocket(), config.socket);
  if (!sockets) return sockets.error();

  std::unique_ptr<Routes> routes;
  HttpLimits limits;
  limits.idle_time =
      kProofLifetime + std::chrono::seconds(30);  // its owner may be fetching a phone
  HttpServer server(limits, [&routes](HttpRequest request, Respond respond) {
    routes->Handle(std::move(request), std::move(respond));
  });
  const ServerThread thread{[&server](std::function<void()> task) { server.Post(std::move(task)); },
                            [&server](std::chrono::milliseconds delay, std::function<void()> task) {
                              server.After(delay, std::move(task));
                            }};
  const bool privileged = geteuid() == 0;
  // Lives longer than the threads below, which use it until they are joined.
  std::unique_ptr<Backend> backend;
  notify.folder = config.notify_dir;
  notify.cursor = (std::filesystem::path(config.state_dir) / kNotifyCursor).string();
  notify.host = HostName();
  auto notifications = Notifications::Attach(**store, notify);
  if (!notifications) return notifications.error();
  Decider decider(std::move(*store));
  Notifier notifier(decider, std::move(*notifications), notify);
  HashPool hashes(kHashThreads, kHashesWaiting);
  const auto directory = MakeDirectory(config, thread, privileged);
  const auto self_directory = MakeDirectory(config, thread, privileged, kSelfLimits);
  const auto first_factor = MakePamFirstFactor(thread, {{FindFirstFactorProgram()}});
  backend.reset(new Backend{decider, *directory, *self_directory, hashes, thread.post, thread.after,
                            ReadClock, TimePoint(std::chrono::seconds(kReleaseDate)), HostName(),
                            code_key, config, privileged, geteuid(), *first_factor});
  backend->notifier = &notifier;
  DamageReports damage(*backend);
  backend->damage = &damage;
  backend->deliver = [&server, own = std::this_thread::get_id()](std::function<void()> task) {
    if (std::this_thread::get_id() != own) return server.Post(std::move(task));
    try {
      task();
    } catch (const std::exception& exception) {
      Log(LogLevel::kError, std::string("a task failed: ") + exception.what());
    }
  };
  const auto runtime = std::filesystem::path(config.socket).parent_path();
  // Beside the machine's own sparekeyd another one ends no sessions but those it was told of.
  const bool of_the_machine = privileged && config.socket == kDefaultSocket;
  routes = std::make_unique<Routes>(*backend, (runtime / "sessions").string(),
                                    MakeSessionSystem(of_the_machine));
  const StopAtEnd stop{*routes};
  routes->Resume();
  server.Listen(sockets->TakePam(), SocketKind::kPam);
  server.Listen(sockets->TakeApi(), SocketKind::kApi);
  server.OnSignals({SIGTERM, SIGINT}, [&server, &routes](int) {
    routes->Stop();
    server.Stop();
  });
  const std::function<void()> keep_house = [&] {
    routes->KeepHouse();
    server.After(kHouseKeeping, keep_house);
  };
  server.Post(keep_house);
  NotifyReady("serving " + config.socket);
  Log(LogLevel::kInfo, std::string("sparekeyd ") + kVersion + " serves " + config.socket);
  server.BeforeWaiting([&decider] { return decider.Help(); });
  decider.BeginHelping();
  server.Run();
  decider.EndHelping();
  NotifyStopping();
  Log(LogLevel::kInfo, "sparekeyd stops");
  return Ok();
}

void PrintHelp(const po::options_description& options) {
  std::cout << "Usage: sparekeyd [OPTIONS]\n\n"
               "The sparekey service: checks one-time codes and backup codes, keeps lockouts.\n"
               "It runs in the foreground until SIGTERM. Key and store are made by: sparekey "
               "init\n\n"
            << options;
}

int Main(int argc, char** argv) {
  ConfigOptions chosen;
  std::string config_path, state_dir, socket;
  po::options_description options("Options");
  options.add_options()("help,h", "show this help")("version", "show the version")(
      "config", po::value(&config_path),
      "configuration file (default /etc/sparekey/sparekey.conf)")(
      "state-dir", po::value(&state_dir), "folder of the store (default /var/lib/sparekey)")(
      "socket", po::value(&socket),
      "API socket; pam.sock lies beside it (default "
      "/run/sparekey/api.sock)");
  po::variables_map given;
  try {
    po::store(po::command_line_parser(argc, argv).options(options).positional({}).run(), given);
    po::notify(given);
  } catch (const po::error& error) {
    std::cerr << "sparekeyd: " << error.what() << "; see sparekeyd --help\n";
    return kWrongUsage;
  }
  if (given.count("help")) return PrintHelp(options), 0;
  if (given.count("version")) return std::cout << "sparekeyd " << kVersion << "\n", 0;
  if (given.count("config")) chosen.config = config_path;
  if (given.count("state-dir")) chosen.state_dir = state_dir;
  if (given.count("socket")) chosen.socket = socket;

  const auto config = LoadConfig(chosen);
  if (!config) {
    std::cerr << "sparekeyd: " << config.error().message << "\n";
    return kWrongUsage;
  }
  const auto level = ParseLogLevel(config->log_level);
  SetUpLog("sparekeyd", ChooseLogTarget(), level ? *level : LogLevel::kInfo);
  const Status served = Serve(*config);
  if (!served) Log(LogLevel::kError, EscapeForLog(served.error().message));
  FlushLog();
  return served ? 0 : kFailed;
}

// Where memory is out in a place that cannot fail: one line and an end that the service manager
// answers with a restart. What was heard is on the disk.
[[noreturn]] void EndAtOnce() {
  constexpr std::string_view kLine = "sparekeyd: ends: an exception where none can be handled\n";
  (void)!write(STDERR_FILENO, kLine.data(), kLine.size());
  _exit(kFailed);
}

}  // namespace
}  // namespace sparekey

int main(int argc, char** argv) {
  std::set_terminate(sparekey::EndAtOnce);
  try {
    return sparekey::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "sparekeyd: " << error.what() << "\n";
    return 1;
  }
}
