// SPDX-License-Identifier: Apache-2.0
// Bounded threads for Argon2id, so that recoveries neither delay logins nor take the memory.
#pragma once

#include <functional>
#include <memory>

namespace sparekey {

class HashPool {
 public:
  HashPool(std::size_t threads, std::size_t waiting);
  ~HashPool();  // drops what waits, joins what runs
  // false: the queue is full ("busy"); then `work` is not called.
  bool Submit(std::function<void()> work);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparekey
