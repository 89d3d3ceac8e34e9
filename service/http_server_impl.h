// SPDX-License-Identifier: Apache-2.0
// What the server and its connections know of each other; for http_server.cc and
// http_connection.cc alone.
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "core/unique_fd.h"
#include "service/connection_table.h"
#include "service/http_head.h"
#include "service/http_reader.h"
#include "service/http_server.h"

namespace sparekey {

struct HttpServer::Impl {
  struct Connection;
  using ConnectionPtr = std::shared_ptr<Connection>;
  using Table = ConnectionTable<Connection>;
  using SteadyClock = std::chrono::steady_clock;
  using UnixSocket = boost::asio::local::stream_protocol::socket;

  struct Listener {
    Listener(boost::asio::io_context& context, int fd, SocketKind socket_kind)
        : acceptor(context, boost::asio::local::stream_protocol(), fd),
          pause(context),
          kind(socket_kind) {}
    boost::asio::local::stream_protocol::acceptor acceptor;
    boost::asio::steady_timer pause;
    SocketKind kind;
    bool armed = false;  // waits for connections, or pauses
  };

  struct Signals {
    Signals(boost::asio::io_context& context, std::function<void(int)> call)
        : set(context), handler(std::move(call)) {}
    void Wait() {
      set.async_wait([this](boost::system::error_code error, int signal) {
        armed = false;
        if (error) return;
        handler(signal);
        Wait();
      });
      armed = true;
    }
    boost::asio::signal_set set;
    std::function<void(int)> handler;
    bool armed = false;
  };

  // One request's right to an answer: used once, or 500 when it is dropped.
  class Pending;

  Impl(HttpLimits http_limits, Handle handler)
      : limits(http_limits),
        handle(std::move(handler)),
        sweep_timer(context),
        grace_timer(context) {
    const HttpResponse busy = Problem(503, "Busy", "Too many connections");
    AppendHead(full, busy, true, false);
    full += busy.body.ExposeText();
  }
  ~Impl() { CloseAll(kAllStates); }

  // http_server.cc: connections come, time passes, and it all ends.
  void Accept(Listener& listener);
  void AcceptWaiting(Listener& listener);
  void Pause(Listener& listener);
  void Admit(int fd, SocketKind kind);
  bool HasRoomFor(const Peer& peer);
  bool MakeRoom(Table& table);
  void Sweep();
  void GiveUpReading(const ConnectionPtr& connection);
  void ArmSweep();
  void ArmAll();
  bool RunSome();
  SteadyClock::duration TimeIn(ConnectionState state) const;
  void BeginStop(std::chrono::milliseconds grace);
  void FinishStopWhenQuiet();

  // http_connection.cc: a connection's life: idle, reading, answering, writing, idle …
  void Enter(Connection& connection, ConnectionState state);
  void Close(Connection& connection);
  void CloseAll(std::initializer_list<ConnectionState> states);
  bool ReadWhatIsThere(const ConnectionPtr& connection);
  void Read(ConnectionPtr connection);
  bool Watch(Connection& connection);
  void Process(ConnectionPtr connection);
  void Dispatch(const ConnectionPtr& connection);
  void Answer(ConnectionPtr connection, HttpResponse response);
  void Refuse(ConnectionPtr connection, HttpResponse response);
  void Drain(ConnectionPtr connection);

  // Where even the words fail for lack of memory, it takes a moment until there may be some.
  static void LogFailure(const char* what, const std::exception& exception);

  Table& TableOf(SocketKind kind) { return tables[static_cast<std::size_t>(kind)]; }

  HttpLimits limits;
  Handle handle;
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
      context.get_executor()};
  boost::asio::steady_timer sweep_timer, grace_timer;
  std::function<bool()> before_waiting = [] { return false; };
  std::optional<SteadyClock::time_point> held_up_since;  // the last time it took long
  std::atomic<std::thread::id> own_thread;               // once it runs
  bool sweep_armed = false;
  bool stopping = false;
  std::list<Listener> listeners;
  std::list<Signals> signals;
  std::array<Table, 2> tables;  // by SocketKind
  std::uint64_t last_connection = 0;
  std::string full;  // the answer where there is no room
  std::array<char, 16 * 1024> trash;
};

struct HttpServer::Impl::Connection {
  Connection(Impl& impl, UniqueFd accepted, const Peer& who)
      : server(impl),
        fd(std::move(accepted)),
        socket(impl.context),
        peer(who),
        uid(who.uid),
        reader(impl.limits.header_bytes, impl.limits.body_bytes) {}

  int handle() { return fd ? fd.get() : socket.native_handle(); }

  Impl& server;
  UniqueFd fd;  // until it is the socket's: a login that comes and goes at once is never watched
  UnixSocket socket;
  Peer peer;
  uid_t uid;
  HttpReader reader;
  HttpResponse response;
  std::string head;
  bool is_head = false;
  bool is_http_1_0 = false;
  bool close_after = false;
  bool refused = false;
  std::atomic<bool> closed = false;  // read by other threads too
  std::size_t drained = 0;
  Table::Place place;
};

}  // namespace sparekey
