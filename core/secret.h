// SPDX-License-Identifier: Apache-2.0
// Bytes that must not stay behind: wiped when they go out of scope, never copied by accident,
// never printed. libc only, so that the PAM module can use it too. The master key, which lives as
// long as the process, is kept in locked memory instead (core/seal.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sparekey {

class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);  // zeroed
  explicit SecretBytes(std::span<const std::uint8_t> bytes);
  explicit SecretBytes(std::string_view text);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes Clone() const;
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // The only ways in: a grep for Expose audits every use.
  std::span<std::uint8_t> Expose() { return {data_, size_}; }
  std::span<const std::uint8_t> Expose() const { return {data_, size_}; }
  std::string_view ExposeText() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Time depends on the sizes only. Different sizes are unequal.
bool ConstantTimeEqual(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Overwrites in a way that the compiler keeps.
void Wipe(std::span<std::uint8_t> bytes);
void Wipe(std::span<char> text);

}  // namespace sparekey
