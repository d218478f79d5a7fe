-- The categories of complaints that are shipped, with their words. Written for this extension.

INSERT INTO customer_scoring.complaint_lexicon (category, locale, word, shipped)
SELECT v.category, v.locale, w, true
FROM (VALUES
	('after_sales', 'id', 'garansi, klaim, klaim garansi, purna jual, retur, tukar barang, penukaran, dikembalikan, pengembalian, pengembalian dana, uang kembali, refund, servis, service center, suku cadang, sparepart, perbaikan, teknisi, keluhan, komplain, tidak ditanggapi'),
	('after_sales', 'en', 'warranty, guarantee, claim, after sales, aftersales, return, returns, returned, exchange, refunded, money back, repair, repaired, spare part, spare parts, technician, complaint, complaints, customer support, customer service'),
	('billing', 'id', 'tagihan, faktur, kuitansi, invoice, pembayaran, bayar dua kali, dobel, ditagih, terpotong, kepotong, saldo, transfer, ditransfer, pulsa, biaya tambahan, biaya admin'),
	('billing', 'en', 'bill, billed, billing, charged, overcharged, charged twice, payment, paid twice, receipt, hidden fee, hidden fees, credit'),
	('cleanliness', 'id', 'kotor, jorok, bau, kebersihan, toilet, kecoak, tikus, debu, berdebu, apek'),
	('cleanliness', 'en', 'dirty, filthy, smelly, smell, smelled, hygiene, cleanliness, restroom, cockroach, cockroaches, dusty, stained'),
	('consistency', 'id', 'tidak konsisten, beda dari biasanya, berubah-ubah, kadang bagus kadang jelek, tidak seperti dulu, tidak seperti biasanya, menurun, kualitas menurun, makin buruk, semakin buruk, kadang-kadang, simpang siur'),
	('consistency', 'en', 'inconsistent, not consistent, consistency, used to be, not like before, getting worse, gone downhill, hit or miss, varies, sometimes'),
	('courtesy', 'id', 'kasar, tidak sopan, kurang sopan, tidak ramah, kurang ramah, jutek, judes, ketus, galak, membentak, dibentak, marah-marah, tidak santun, kurang ajar'),
	('courtesy', 'en', 'rude, rudely, impolite, not polite, unfriendly, not friendly, disrespectful, shouted, yelled, insulting, discourteous'),
	('delivery_accuracy', 'id', 'salah kirim, salah barang, salah alamat, salah warna, salah ukuran, tertukar, ketuker, barang kurang, kurang satu, tidak lengkap, nyasar, paket hilang, hilang, bukan yang dipesan'),
	('delivery_accuracy', 'en', 'wrong item, wrong size, wrong color, wrong colour, wrong address, wrong order, missing item, item missing, missing, incomplete, lost parcel, parcel was lost, lost in transit, not what i ordered, mixed up'),
	('delivery_speed', 'id', 'pengiriman, dikirim, kirim, kurir, ekspedisi, paket, sampai, tidak sampai, belum sampai, belum dikirim, belum datang, terlambat, telat, pengiriman lama, pengiriman lambat, resi, diantar, antar, ongkir'),
	('delivery_speed', 'en', 'delivery, deliver, delivered, shipping, shipped, shipment, courier, driver, parcel, arrive, arrived, late delivery, delayed, tracking, still waiting'),
	('information', 'id', 'informasi, info, penjelasan, tidak dijelaskan, tanpa penjelasan, tidak jelas, kurang jelas, membingungkan, simpang siur, tanpa kabar, tidak ada kabar, pemberitahuan, tanpa pemberitahuan, deskripsi, menyesatkan'),
	('information', 'en', 'information, informed, explanation, explained, unclear, not clear, confusing, misleading, misleading description, description, no notice, without notice, conflicting'),
	('price', 'id', 'harga, mahal, kemahalan, murah, tarif, diskon, promo, voucher, ongkos, harga dinaikkan, tidak sebanding'),
	('price', 'en', 'price, prices, priced, pricey, expensive, overpriced, cheap, cost, costs, rate, rates, discount, promotion, coupon'),
	('product', 'id', 'barang, produk, kualitas, bahan, rusak, cacat, pecah, retak, bocor, sobek, robek, luntur, jahitan, ukuran, kekecilan, kebesaran, warna, rasa, rasanya, basi, busuk, hambar, tidak berfungsi, mati, palsu, kw, kedaluwarsa, kadaluarsa, kadaluwarsa, kemasan, penyok, tidak sesuai'),
	('product', 'en', 'product, item, quality, material, fabric, broken, broke, damaged, defective, faulty, cracked, leaked, leaking, torn, faded, stitching, size, taste, tastes, tasteless, stale, rotten, expired, not work, not working, stopped working, fake, counterfeit, packaging, dented, not as described'),
	('reliability', 'id', 'janji, ingkar janji, bohong, pembohong, penipu, penipuan, menipu, ditipu, dibatalkan, pembatalan, sepihak, tidak bertanggung jawab, gangguan, sering putus, sering mati, mati lampu, error, eror, tidak bisa diandalkan, php'),
	('reliability', 'en', 'promise, promises, promised, broken promise, broke every promise, lied, liar, scam, fraud, cancelled, canceled, unreliable, not reliable, outage, outages, crash, crashes, crashing, dropping, errors, takes responsibility'),
	('responsiveness', 'id', 'tidak dibalas, tidak direspon, tidak respon, slow respon, lambat respon, respon lambat, tidak diangkat, tidak dijawab, susah dihubungi, sulit dihubungi, chat, antri, antrian, antre, antrean, menunggu, nunggu, lama menunggu'),
	('responsiveness', 'en', 'no reply, no response, no answer, never replied, not reply, slow response, slow to respond, slow replies, nobody answers, ignored, ignore, unresponsive, queue, waiting, waited, on hold, long line'),
	('staff_attitude', 'id', 'karyawan, pegawai, petugas, staf, kasir, admin, cs, customer service, sales, pelayan, satpam, sikap, cuek, malas, acuh, tidak peduli, tidak mau membantu, tidak membantu, sombong, arogan, memaksa, maksa, tidak paham, tidak becus, tidak profesional'),
	('staff_attitude', 'en', 'staff, employee, employees, cashier, waiter, waitress, salesman, agent, agents, manager, attitude, unhelpful, not helpful, lazy, arrogant, indifferent, careless, pushy, unprofessional, incompetent, clueless'))
	AS v (category, locale, words), LATERAL pg_catalog.regexp_split_to_table(v.words, ', ') AS w;
