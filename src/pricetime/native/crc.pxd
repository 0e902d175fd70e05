# CRC-32C with the instruction of the processor, for the journal. In C, because it differs between processors.

cdef extern from * nogil:
    """
    #if defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
    #include <arm_acle.h>
    #endif

    /* One step: eight bytes, the lowest first. "crc" is the inverted value, as between two steps. It has 64 bits like the
       register of the instruction: otherwise the compiler would extend it after each step. */
    static inline unsigned long long pricetime_crc_word(unsigned long long crc, unsigned long long word) {
    #if defined(__SSE4_2__) && defined(__x86_64__)
        return __builtin_ia32_crc32di(crc, word);
    #elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
        return __crc32cd((unsigned int)crc, word);
    #else
        static const unsigned int half_bytes[16] = {
            0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
            0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
        };
        unsigned long long left = crc ^ word;
        for (int i = 0; i < 16; i++) left = (left >> 4) ^ half_bytes[left & 15];
        return left;
    #endif
    }

    /* The last bytes, fewer than eight. */
    static inline unsigned int pricetime_crc_byte(unsigned int crc, unsigned char byte) {
        crc ^= byte;
        for (int i = 0; i < 8; i++) crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1)));
        return crc;
    }

    static inline unsigned int pricetime_link(unsigned int previous, const unsigned long long *words,
                                              unsigned int n_words) {
        unsigned long long crc = 0xffffffffu;
        for (unsigned int i = 0; i < n_words; i++) crc = pricetime_crc_word(crc, words[i]);
        return ~(unsigned int)pricetime_crc_word(crc, (unsigned long long)previous << 32 | (unsigned long long)n_words * 8);
    }
    """
    unsigned long long crc_word "pricetime_crc_word"(unsigned long long crc, unsigned long long word) noexcept
    unsigned int crc_byte "pricetime_crc_byte"(unsigned int crc, unsigned char byte) noexcept

    # CRC-32C of so many words, their length in bytes as u32, and the value before. That one comes last, so that the
    # steps of a record do not wait for those of the record before it.
    unsigned int link "pricetime_link"(unsigned int previous, const unsigned long long *words,
                                       unsigned int n_words) noexcept


cdef unsigned int crc_of(unsigned int value, const unsigned char *data, Py_ssize_t n_bytes) noexcept nogil
