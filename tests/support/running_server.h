// SPDX-License-Identifier: Apache-2.0
// An HttpServer in a thread of its own, with both sockets in a folder of its own.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "service/http_server.h"
#include "tests/support/temp_folder.h"

namespace sparekey {

class RunningServer {
 public:
  RunningServer(
      HttpLimits limits, HttpServer::Handle handle,
      const std::function<void(HttpServer& server)>& prepare = [](HttpServer&) {})
      : server_(limits, std::move(handle)) {
    prepare(server_);
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    server_.Listen(Bind(api()), SocketKind::kApi);
    server_.Listen(Bind(pam()), SocketKind::kPam);
    thread_ = std::thread([this] { server_.Run(); });
  }
  ~RunningServer() { Stop(std::chrono::milliseconds(0)); }

  void Stop(std::chrono::milliseconds grace) {
    if (!thread_.joinable()) return;
    server_.Stop(grace);
    thread_.join();
  }
  HttpServer& operator*() { return server_; }
  HttpServer* operator->() { return &server_; }
  std::string api() const { return folder_.File("api.sock"); }
  std::string pam() const { return folder_.File("pam.sock"); }

 private:
  static int Bind(const std::string& path) {
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd, 4096) != 0) {
      std::abort();
    }
    chmod(path.c_str(), 0666);
    return fd;
  }

  TempFolder folder_;
  HttpServer server_;
  std::thread thread_;
};

}  // namespace sparekey
