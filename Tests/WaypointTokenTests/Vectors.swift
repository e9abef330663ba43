/// Keys and tokens that other implementations made.
enum Vectors {
    /// One key of each kind, and a token of each algorithm, made by Python's cryptography. Claims: iss `issuer`, sub
    /// `user`, aud `a` and `b`, exp 4000000000, scope `read write`, n.d `deep`.
    static let keySet = "{\"keys\":[" + keys.joined(separator: ",") + "]}"

    static let keys: [String] = [
        #"""
        {"kty":"RSA","kid":"rsa","use":"sig","n":"kXonzmeY8JBn0HHfXcrdB2ymP43PkhOkbp6a6AtAYCwjhm5WQMOB5A\#
        eTUhVysRCeTc-8FtCiWC7mpFm4ynasHx-apwfGoOEVT966UmQvnVKJ6ywlCNrW5GzhZhGua7v_chcPC2fGCdOJvSa-RtsBBz\#
        Lo8zC33toKtU4_fUqdkLzR1KaD4RhyhdczSo0g_zXzXDHYzYb53tMeMDwMxZoZZZ_VIb8XubPYHfLq-Vn6uiMekqJJfVh1mM\#
        7rmEm4iSuEU09rcB0NJOj0DQTxpYjGdtTbOGx_sKXW0MJ8XiFUGDNpwtIVh9UKraU0tlwSGgVxcLsdM-0xJPPUT8_v1Z_IYw\#
        ","e":"AQAB"}
        """#,
        #"""
        {"kty":"EC","kid":"ec256","crv":"P-256","x":"x2AWOdRgUyNhZKAEE52L5sxdchiZ3N5OT1BS9vOSUmk","y":"M\#
        fuJe29BRiIwd8-GP1eBue7lph0_LXsUvOxipZ4wsjo"}
        """#,
        #"""
        {"kty":"EC","kid":"ec384","crv":"P-384","x":"WBT36jMrOPfXBuB5novqHu8T9sMgRKjiKhv7QSC1f-N_pzNV-Yj\#
        _0QpsgufZZeM6","y":"Yfxy95m87bc4ogo9RD1OeImZaGS4qdW7DSR4WRx7OdRncC93HijxEmHZxD4S312C"}
        """#,
        #"""
        {"kty":"EC","kid":"ec512","crv":"P-521","x":"ANlWp7bZPkgUrNJR9T5o6uln1w0iCfDkYV28xMf_EUy7OdXUk6G\#
        EgWYu7pa2HSHyy0EFPiGduJjGIy8cBkSRNd5a","y":"AeRc6BsEKLyUQ_5hbYm7yAAeIrRPGLvDLC7H65nLdYjr84sfeBaz\#
        eP735jerx15EDaGW90k8pMoE7E8YuBLskRuc"}
        """#,
        #"""
        {"kty":"OKP","kid":"ed","crv":"Ed25519","x":"rm_yUmqFZQunJANoFE0xtY2lRwsJyL9R_CciOHa_p9k"}
        """#,
    ]

    static let tokens: [(algorithm: String, token: String)] = [
        (
            "RS256",
            #"""
            eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.VWJmuOJkV06yIF_IFHQB\#
            6BhZp2Wg1a1OzrAyx3Dt4dQulpUQlyi_rfpCnFdCRgjr81a8RK98gyieH03JP0KeQKmvq7y_YsfiTWlotcag0439Tur8b_Ya\#
            F3HiDXQag7iv7e_upJVAIHWpx0PyG1Gm_O73ztYawxUrpoT_axZwFGVeKfjcldyjH-SZy6b8QEdaioAIS_cqneFXLpcN53Z5\#
            RK5aAFgrZTVia_ToJ_hSkNI1fRBwgUhFoW0JL6zWDmVfWiZ03iMQfyz1L2qkQ1HH3QGdO6EZ0u7aFa_GE-6upp460JmoAodO\#
            Gef4gbqgv-nUdO1mx4Fe-SNf0TunRq0M9A
            """#
        ),
        (
            "RS384",
            #"""
            eyJhbGciOiJSUzM4NCIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.e5Y7ByQcOw_170U8CC5p\#
            NTYn3tLW1bIQvQYEgaahkyAjj_YHwzzR05pqKpebERGcRN0uQTMUSOUjGa2yskmAW4p4rCovI36BL7oSFVsjzXOCwchO8AjI\#
            DnqZ14SLrQ2nM67Bs5CarOzwHtRKl9Pw91fm7Vvtc309TkD1HoKYjDi1bZ3sAcXunB7KMx8neI6De8R6c8GmXvLoNBoM5UzF\#
            lMXLqFBjva1iihUHrHfUvr_Zd0FtQxMhAkx0dPI9FtEdG5PM2zwnSp7VKlRQRtoxYMYo2v9JLZJIkKaIS1hUJ9ZhHzjlExSS\#
            Y7dQk4w-mHML_KM3mpTAIvufTRCxGN4i9A
            """#
        ),
        (
            "RS512",
            #"""
            eyJhbGciOiJSUzUxMiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.Jqux0fKud_GDvDFGqNuI\#
            0MuSqQ8JXJwDDW2oNhNx9vCjkZUlwtE3uitTNZo0YjayzZ2ulQqAtyadodEhqwTBPpp0IJN32UilTBoZrbt06zeUyCJHFlLH\#
            RW_hHi9D8oefsDrwhejf1jePd4f86MIRqCsTLTJo5HRCtxBt3RB1yDTyif7YVI9s5jQ0k8ik4OzDBM8MuJxTOxlcwmV-WgCK\#
            ExyjlciReL1V8yEgNDYQZUx5mb-Ly43I1InsMLawu4sNRHLLUAtSogwDZXcfDQRRBIygkpUBJBxjDxz-WF2xnCBEMODPskeU\#
            50ANOy9k1P8a6GUeeaE8TZHPNBRmeqlvzA
            """#
        ),
        (
            "PS256",
            #"""
            eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.UuIbAaNAWwnfoP78IePJ\#
            Ps_frUxAsX6-n62HxFSHrk4hXMZ5z0rVL3l2o7RoFH7-SNAzY3_ZyG29C6wdT5V_CZ8h0kIYu-0VjrZWMywg_AICnibdg2uA\#
            YUUzL4fh-CuJlrWiBvPuDuTDA4Y4MgQUj7fsVaVzba9V9_r-4VZZrcMt-JvUSvAwMayLXlQVS1HG6ILUzhTygQuui2xRwN_s\#
            IliE4KVAUW1r8I330FCrjO10JmApDJPc1e12QfKFJ7dP8ArLi3oNLWoV0703jgHxGrUJl-zQf3329RVh_qviLvmiy7WOMbB4\#
            wAUhvSZGsSl7fhdi326fhNEAXKC2rsw11g
            """#
        ),
        (
            "PS384",
            #"""
            eyJhbGciOiJQUzM4NCIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.I2YmrN8MObwO2hoaYDhq\#
            lJabss2RZpaT6V-YkZ4K2e8omtmJuJLL3c_aAhUvsC8WhUvZ_XOl7mjeYJPywHn-8GA_JoSZvAtS4uZ9npKcftzI3C4vJhfM\#
            EDMUgHXPDAC7lgMH_amemgyJYFxknxajU1ig4QifF32GU5jaVBNg6g6UPd3c1I-3JGVaFpXgEdqhf7ju1aK1kRD0qaFo0Bit\#
            kzudv7QB3-NXvOp_S7C17ffxkooc9rgMvBUDaGBhV-AvcN8YF3tTlHCFGeqsHwNohgb4ZvH2QlqXm9NaNwv4ywq7zEO6pJ1G\#
            jF82U1XktacLqJ91YNgAGVLNkBnSAiLuiA
            """#
        ),
        (
            "PS512",
            #"""
            eyJhbGciOiJQUzUxMiIsImtpZCI6InJzYSJ9.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0\#
            sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.CCVx0235Shp9DehUbuuQ\#
            qSB-Z4f08tVx-0XSnVMXCBJXqi0Exv3cquNBeUJfFbBZuPSpjsWSs5dDgEKi4Ik_d1RWOT6CTiqE01cIj1XgIuLUSJ9RaYCX\#
            Chn6KaRNWsY9J5IFrUnjBqWRPloWJW9OjyklmCJ_5xOXk6FEb3BQ7uSrWaeSQxYAPfHPg8yI-OzeyXJWIGeL2gjALG8Vj9HQ\#
            TY7Ab1gq1XTGfqkZN6AE1OwNJQTf6PSmUrIevccJ0oxJsdZa6XDEfjNF741_0KnRIBhV3s6k_X6KRgR5wxhSsqJJhx4LF7a0\#
            BGgR7MLRnBBJEQPM4a5QkauesiUVf0SwaQ
            """#
        ),
        (
            "ES256",
            #"""
            eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjMjU2In0.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJi\#
            Il0sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.VedYAxx66YNWJKWQ4\#
            5EcvQiPUAWYcsXM50S9r6wFjoJ790b0-LaZ-BTAHDt1L9pTL8sSihbTBjnK6oeRjzj5TQ
            """#
        ),
        (
            "ES384",
            #"""
            eyJhbGciOiJFUzM4NCIsImtpZCI6ImVjMzg0In0.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJi\#
            Il0sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.Mnomtu4OJxPJ-Hb57\#
            MNZy8pvFRh0XBbVLvpqT72jgh3hKSqjs-ROP0MlQ5IUA5Ik4_535dLzwR1lB2K4g72cgFSXxiF0XbR9fnGH144bITYbylN28\#
            dmcpWDH8GIEEZs8
            """#
        ),
        (
            "ES512",
            #"""
            eyJhbGciOiJFUzUxMiIsImtpZCI6ImVjNTEyIn0.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJi\#
            Il0sImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.AQX6d8ko_q12DiNEr\#
            Y57bRG1Hjo3dIlP6nyVy2_aCeHJ-qmZHTzBKpqzUZdPOYF8wTMeb8xQu5OurSp0mUBHhMlZABp6gsNBO1x-iiIeqSxhgx3bP\#
            F4ZUUhpCcf8AR-dtbtQiNLBKruifqS4Q5uX4oaWhpLoazA7JGpCN6-1nqgbBqoa
            """#
        ),
        (
            "EdDSA",
            #"""
            eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJpc3MiOiJpc3N1ZXIiLCJzdWIiOiJ1c2VyIiwiYXVkIjpbImEiLCJiIl0s\#
            ImV4cCI6NDAwMDAwMDAwMCwic2NvcGUiOiJyZWFkIHdyaXRlIiwibiI6eyJkIjoiZGVlcCJ9fQ.4d0AnEQIAbSUctfBLOlzc\#
            nmZ9AFVDwvmdpVRT3W2WrLnSZbiVZIW75HsizmCmwtvbmrNa6nFbTxstnfiEuMrDw
            """#
        ),
    ]

    /// RFC 7515, appendix A.2.
    static let rsaKey = #"""
        {"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2\#
        mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSH\#
        SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7\#
        aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}
        """#

    /// RFC 7515, appendix A.2.
    static let rsaToken = #"""
        eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9\#
        pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Q\#
        c_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARN\#
        PvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6I\#
        eYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw
        """#

    /// RFC 7515, appendix A.3.
    static let curveKey = #"""
        {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_\#
        tue659LNpXW6pCyStikYjKIWI5a0"}
        """#

    /// RFC 7515, appendix A.3.
    static let curveToken = #"""
        eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9\#
        pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqP\#
        P3-Kg6NU1Q
        """#

    /// RFC 8037, appendix A.2.
    static let edwardsKey = #"""
        {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
        """#

    /// RFC 8037, appendix A.4.
    static let edwardsToken = #"""
        eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AI\#
        bQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg
        """#
}
