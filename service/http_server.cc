// SPDX-License-Identifier: Apache-2.0
#include "service/http_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

#include "core/unique_fd.h"
#include "service/http_server_impl.h"

namespace sparekey {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr int kAcceptsInARow = 64;
constexpr int kTasksInARow = 256;
constexpr int kTasksAfterHold = 4096;  // more than connections can be ready
constexpr milliseconds kHeldUp{100};
constexpr milliseconds kAcceptPause{50};
constexpr milliseconds kDrainTime{2000};
// An answer that was lost for lack of memory; the longest that is waited for takes 25 s.
constexpr milliseconds kAnswerTime{300'000};

bool IsOutOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

// --- connections come

void HttpServer::Impl::Accept(Listener& listener) {
  listener.acceptor.async_wait(UnixSocket::wait_read, [this, &listener](error_code error) {
    listener.armed = false;
    if (stopping || error == asio::error::operation_aborted) return;
    AcceptWaiting(listener);
  });
  listener.armed = true;
}

void HttpServer::Impl::AcceptWaiting(Listener& listener) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const int fd =
        accept4(listener.acceptor.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      Admit(fd, listener.kind);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      if (IsOutOfResources(errno) && !MakeRoom(TableOf(SocketKind::kApi))) {
        MakeRoom(TableOf(listener.kind));
      }
      return Pause(listener);
    }
  }
  Accept(listener);
}

void HttpServer::Impl::Pause(Listener& listener) {
  listener.pause.expires_after(kAcceptPause);
  listener.pause.async_wait([this, &listener](error_code error) {
    listener.armed = false;
    if (!error && !stopping) Accept(listener);
  });
  listener.armed = true;
}

void HttpServer::Impl::Admit(int fd, SocketKind kind) {
  UniqueFd accepted(fd);
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  const Peer peer{kind, credentials.uid, credentials.gid, credentials.pid, ++last_connection};
  if (!HasRoomFor(peer)) {
    (void)send(fd, full.data(), full.size(), MSG_NOSIGNAL);
    return;
  }
  auto connection = std::make_shared<Connection>(*this, std::move(accepted), peer);
  TableOf(kind).Add(connection, SteadyClock::now());
  ArmSweep();
  // On api.sock many may come at once who have to go again before they are read.
  if (kind != SocketKind::kPam) return Read(std::move(connection));
  if (ReadWhatIsThere(connection)) Process(std::move(connection));
}

// Makes room where it can: at the cost of the same user's connections where he has his share.
bool HttpServer::Impl::HasRoomFor(const Peer& peer) {
  Table& table = TableOf(peer.socket);
  const bool is_capped = peer.socket == SocketKind::kApi && peer.uid != 0;
  if (is_capped && table.CountOf(peer.uid) >= limits.connections_per_uid) {
    const ConnectionPtr own = table.FindDispensable(peer.uid);
    if (!own) return false;
    Close(*own);
  }
  return table.size() < limits.connections || MakeRoom(table);
}

bool HttpServer::Impl::MakeRoom(Table& table) {
  const ConnectionPtr dispensable = table.FindDispensable();
  if (dispensable) Close(*dispensable);
  return dispensable != nullptr;
}
// --- time

auto HttpServer::Impl::TimeIn(ConnectionState state) const -> SteadyClock::duration {
  if (state == ConnectionState::kIdle) return limits.idle_time;
  if (state == ConnectionState::kAnswering) return kAnswerTime;
  return state == ConnectionState::kDraining ? kDrainTime : limits.request_time;
}

void HttpServer::Impl::ArmSweep() {
  if (sweep_armed) return;
  const milliseconds shortest = std::min(limits.idle_time, limits.request_time);
  sweep_timer.expires_after(std::clamp(shortest / 8, milliseconds(5), milliseconds(500)));
  sweep_timer.async_wait([this](error_code error) {
    sweep_armed = false;
    if (!error) Sweep();
  });
  sweep_armed = true;
}

// What a lack of memory has kept from being waited for.
void HttpServer::Impl::ArmAll() {
  for (Signals& entry : signals) {
    if (!entry.armed) entry.Wait();
  }
  if (stopping) return;
  for (Listener& listener : listeners) {
    if (!listener.armed) Accept(listener);
  }
  ArmSweep();
}

void HttpServer::Impl::Sweep() {
  const auto now = SteadyClock::now();
  std::size_t left = 0;
  for (Table& table : tables) {
    for (const ConnectionState state : kAllStates) {
      for (ConnectionPtr oldest = table.OldestIn(state);
           oldest && now - oldest->place.since >= TimeIn(state); oldest = table.OldestIn(state)) {
        if (state == ConnectionState::kReading) {
          GiveUpReading(oldest);
        } else {
          Close(*oldest);
        }
      }
    }
    left += table.size();
  }
  if (left != 0) ArmSweep();
}

void HttpServer::Impl::GiveUpReading(const ConnectionPtr& connection) {
  error_code ignored;
  connection->socket.cancel(ignored);  // its read, if there is one, ends without effect
  Refuse(connection, Problem(408, "Request Timeout", "The request came too slowly"));
}

// False at the end. What waits for memory to come back must not wait for the next event, so
// before_waiting comes first.
bool HttpServer::Impl::RunSome() {
  const auto before = SteadyClock::now();
  const bool waits = !before_waiting();
  // What came meanwhile waited unread, and all of it is read now. Who comes later did not wait.
  const bool was_held_up = SteadyClock::now() - before > kHeldUp;
  held_up_since = was_held_up ? std::optional(before) : std::nullopt;
  if ((waits && !was_held_up ? context.run_one() : context.poll_one()) == 0) {
    return !context.stopped();
  }
  const int most = was_held_up ? kTasksAfterHold : kTasksInARow;
  for (int i = 1; i < most && context.poll_one() != 0; ++i) {
  }
  return true;
}

// --- the end

void HttpServer::Impl::BeginStop(milliseconds grace) {
  if (std::exchange(stopping, true)) return;
  error_code ignored;
  for (Listener& listener : listeners) {
    listener.acceptor.close(ignored);
    listener.pause.cancel();
  }
  CloseAll({ConnectionState::kIdle, ConnectionState::kReading, ConnectionState::kDraining});
  grace_timer.expires_after(grace);
  grace_timer.async_wait([this](error_code error) {
    if (!error) context.stop();
  });
  FinishStopWhenQuiet();
}

void HttpServer::Impl::FinishStopWhenQuiet() {
  if (!stopping) return;
  for (const Table& table : tables) {
    if (table.size() != 0) return;
  }
  context.stop();
}

HttpServer::HttpServer(HttpLimits limits, Handle handle)
    : impl_(std::make_unique<Impl>(limits, std::move(handle))) {}
HttpServer::~HttpServer() = default;

void HttpServer::Listen(int fd, SocketKind kind) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  impl_->Accept(impl_->listeners.emplace_back(impl_->context, fd, kind));
}

void HttpServer::Run() {
  impl_->own_thread = std::this_thread::get_id();
  for (;;) {
    try {
      impl_->ArmAll();
      while (impl_->RunSome()) {
      }
      return;
    } catch (const std::exception& exception) {
      // A task of Post, After or OnSignals, or no memory; the loop goes on with the next one.
      Impl::LogFailure("a task failed: ", exception);
    }
  }
}

void HttpServer::BeforeWaiting(std::function<bool()> task) {
  impl_->before_waiting = std::move(task);
}

void HttpServer::Stop(milliseconds grace) {
  asio::post(impl_->context, [this, grace] { impl_->BeginStop(grace); });
}

void HttpServer::Post(std::function<void()> task) { asio::post(impl_->context, std::move(task)); }

void HttpServer::After(milliseconds delay, std::function<void()> task) {
  auto timer = std::make_shared<asio::steady_timer>(impl_->context, delay);
  timer->async_wait([timer, task = std::move(task)](error_code error) {
    if (!error) task();
  });
}

void HttpServer::OnSignals(std::initializer_list<int> signals,
                           std::function<void(int signal)> handler) {
  Impl::Signals& entry = impl_->signals.emplace_back(impl_->context, std::move(handler));
  for (const int signal : signals) entry.set.add(signal);
  entry.Wait();
}

}  // namespace sparekey
