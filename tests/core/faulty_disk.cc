// SPDX-License-Identifier: Apache-2.0
#include "tests/core/faulty_disk.h"

#include <sqlite3.h>

#include <new>

namespace sparekey::testing {
namespace {

sqlite3_vfs* real_vfs = nullptr;

struct File {
  sqlite3_file base;
  bool is_log;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* Real(sqlite3_file* file) { return Of(file).real(); }

bool Fails(DiskFault fault) {
  FaultyDisk& disk = Disk();
  if (disk.fault != fault || --disk.until_fault > 0) return false;
  if (disk.faults_left-- <= 0) return false;
  ++disk.faults_seen;
  return true;
}

int Close(sqlite3_file* file) { return Real(file)->pMethods->xClose(Real(file)); }

int Read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  if (Fails(DiskFault::kRead)) return SQLITE_IOERR_READ;
  return Real(file)->pMethods->xRead(Real(file), data, size, offset);
}

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (Of(file).is_log) ++Disk().log_writes;
  if (Fails(DiskFault::kFull)) return SQLITE_FULL;
  if (Fails(DiskFault::kWrite)) {
    // Half of it, as a torn write.
    (void)Real(file)->pMethods->xWrite(Real(file), data, size / 2, offset);
    return SQLITE_IOERR_WRITE;
  }
  return Real(file)->pMethods->xWrite(Real(file), data, size, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (Fails(DiskFault::kTruncate)) return SQLITE_IOERR_TRUNCATE;
  return Real(file)->pMethods->xTruncate(Real(file), size);
}

int Sync(sqlite3_file* file, int flags) {
  ++(Of(file).is_log ? Disk().log_syncs : Disk().file_syncs);
  if (Fails(DiskFault::kSync)) return SQLITE_IOERR_FSYNC;
  return Real(file)->pMethods->xSync(Real(file), flags);
}

int FileSize(sqlite3_file* file, sqlite3_int64* size) {
  return Real(file)->pMethods->xFileSize(Real(file), size);
}
int Lock(sqlite3_file* file, int level) { return Real(file)->pMethods->xLock(Real(file), level); }
int Unlock(sqlite3_file* file, int level) {
  return Real(file)->pMethods->xUnlock(Real(file), level);
}
int CheckReservedLock(sqlite3_file* file, int* out) {
  return Real(file)->pMethods->xCheckReservedLock(Real(file), out);
}
int FileControl(sqlite3_file* file, int op, void* argument) {
  return Real(file)->pMethods->xFileControl(Real(file), op, argument);
}
int SectorSize(sqlite3_file* file) { return Real(file)->pMethods->xSectorSize(Real(file)); }
int DeviceCharacteristics(sqlite3_file* file) {
  return Real(file)->pMethods->xDeviceCharacteristics(Real(file));
}

// Version 1 has no shared memory: who has this disk works in exclusive mode.
constexpr sqlite3_io_methods MakeMethods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;
  methods.xClose = Close;
  methods.xRead = Read;
  methods.xWrite = Write;
  methods.xTruncate = Truncate;
  methods.xSync = Sync;
  methods.xFileSize = FileSize;
  methods.xLock = Lock;
  methods.xUnlock = Unlock;
  methods.xCheckReservedLock = CheckReservedLock;
  methods.xFileControl = FileControl;
  methods.xSectorSize = SectorSize;
  methods.xDeviceCharacteristics = DeviceCharacteristics;
  return methods;
}
constexpr sqlite3_io_methods kMethods = MakeMethods();

int Open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  File& opened = Of(file);
  opened.is_log = (flags & SQLITE_OPEN_WAL) != 0;
  opened.base.pMethods = nullptr;
  const int code = real_vfs->xOpen(real_vfs, name, opened.real(), flags, out_flags);
  if (opened.real()->pMethods != nullptr) opened.base.pMethods = &kMethods;
  return code;
}

FaultyDisk* Install() {
  static FaultyDisk disk;
  static sqlite3_vfs vfs;
  real_vfs = sqlite3_vfs_find(nullptr);
  vfs = *real_vfs;
  vfs.zName = "faulty";
  vfs.pNext = nullptr;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + real_vfs->szOsFile;
  vfs.xOpen = Open;
  sqlite3_vfs_register(&vfs, 1);
  return &disk;
}

}  // namespace

void FaultyDisk::FailAt(DiskFault kind, int at, int length) {
  fault = kind;
  until_fault = at;
  faults_left = length;
  faults_seen = 0;
}

FaultyDisk& Disk() {
  static FaultyDisk* const disk = Install();
  return *disk;
}

}  // namespace sparekey::testing
